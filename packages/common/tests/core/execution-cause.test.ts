import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { executionCause } from '../../src/core/execution-cause';

const DENIED = 'access denied writing lean_ops_ops.cycle_delta (role lean-ops-standardized: glue:UpdateTable)';
const failed = (cause: string | undefined, error = 'States.TaskFailed') =>
  executionCause({ status: 'FAILED', error, cause });

describe('executionCause', () => {
  it("takes the state machine's words and the step that they name", () => {
    expect(failed(`Standardized failed: ${DENIED}`)).toEqual({
      step: 'Standardized',
      text: `Standardized failed: ${DENIED}`,
    });
  });

  it('keeps only the message of a Glue run or of a function', () => {
    const run = { AllocatedCapacity: 4, JobRunState: 'FAILED', ErrorMessage: `SystemExit: ${DENIED}`, JobName: 'j' };
    expect(failed(JSON.stringify(run)).text).toBe(`The cycle failed: ${DENIED}`);
    expect(failed(JSON.stringify({ errorType: 'Error', errorMessage: 'two\nlines "quoted"' })).text).toBe(
      'The cycle failed: two lines "quoted"',
    );
  });

  it("puts a function's missing right into words", () => {
    const said =
      'User: arn:aws:sts::1:assumed-role/lean-ops-cycle-planner/lean-ops-cycle-planner is not authorized to perform: ' +
      'dynamodb:UpdateItem on resource: arn:aws:dynamodb:eu-central-1:1:table/lean-ops-checkpoints';
    expect(failed(`Plan failed: ${said}`)).toEqual({
      step: 'Plan',
      text: 'Plan failed: access denied writing table lean-ops-checkpoints (role lean-ops-cycle-planner: dynamodb:UpdateItem)',
    });
  });

  it.each([
    ['TIMED_OUT', undefined, 'The cycle ran longer than it may and was ended'],
    ['ABORTED', undefined, 'Somebody stopped the cycle'],
    ['ABORTED', 'deploying', 'Somebody stopped the cycle: deploying'],
  ])('says who ended it when it is %s', (status, cause, text) => {
    expect(executionCause({ status, cause })).toEqual({ step: undefined, text });
  });

  it('says the error where there is no cause, and that there is none where there is no error', () => {
    expect(failed('', 'States.Runtime').text).toBe('The cycle failed: States.Runtime');
    expect(executionCause({ status: 'FAILED' }).text).toBe('The cycle failed: no cause was given');
  });

  it('is one line of bounded length, whatever the cause', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('FAILED', 'TIMED_OUT', 'ABORTED'), (cause, status) => {
        const { text } = executionCause({ status, cause });
        expect(text).not.toMatch(/[\r\n]/);
        expect(text).not.toBe('');
      }),
    );
    expect(failed('x'.repeat(5_000)).text.length).toBeLessThan(1_100);
  });
});
