import { getOperation } from '@lean-ops/common/aws';
import { isOperationId } from '@lean-ops/common/core';
import { CliError } from '../../errors';
import { readKnown } from '../../operations/follow';
import { moveLines } from '../../format/move-lines';
import { readTopicToMove } from '../../operations/histories';
import { planUndo } from '../../operations/plan-undo';
import { withReactivation } from '../../operations/reactivation';
import { tablesOf } from '../../operations/request';
import { readOperationsDeployment } from '../../pipeline/deployment';
import type { RegisterCommand } from '../command';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';

export const registerTopicUndo: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('undo')
    .description('put the tables of a topic where they were before a rewind, a rebuild or an undo')
    .argument('<operation>', 'the id of the operation (lean-ops op list)');
  withOperateOptions(command).action(async (operationId: string, options: OperateOptions) => {
    if (!isOperationId(operationId)) {
      throw new CliError(`${operationId} is no id of an operation. lean-ops op list shows those that there are.`);
    }
    const known = await readOperationsDeployment(options.outputs, terminal);
    const undone = await readKnown(operationId, known, operate(known));
    setExitCode(
      await operateTopic(undone.topic, options, terminal, operate, async (situation, deployment, operator) => {
        const moved = await readTopicToMove(situation, deployment, operator, moveLines);
        const plan = await planUndo(moved, undone, (id) => getOperation(operator.documents, tablesOf(deployment), id));
        return withReactivation(plan, undone, deployment, operator);
      }),
    );
  });
};
