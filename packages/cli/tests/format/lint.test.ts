import { describe, expect, it } from '@jest/globals';
import { lintGithub, lintText } from '../../src/format/lint';
import { reportOfFiles } from '../../src/schemas/lint-schemas';

const at = (file: string, line: number, code: string) => ({
  file,
  line,
  column: 3,
  pointer: '/a',
  code,
  message: 'it is so',
  hint: 'change it',
});
const report = reportOfFiles(2, [
  { ...at('a.json', 2, 'NOT_ENFORCED'), severity: 'warning' as const },
  at('a.json', 4, 'TYPE_LIST'),
  { ...at('b.json', 1, 'NOT_ENFORCED'), severity: 'warning' as const },
]);

describe('the report of lint', () => {
  it('shows warnings among the problems, in the order of the lines, and counts them apart', () => {
    expect(lintText(report)).toBe(`a.json
  2:3     warning NOT_ENFORCED  /a
          it is so
          → change it
  4:3     TYPE_LIST  /a
          it is so
          → change it

b.json
  1:3     warning NOT_ENFORCED  /a
          it is so
          → change it

2 schemas checked: 1 problem in 1 file, 2 warnings.
`);
  });

  it('annotates warnings as such', () => {
    expect(lintGithub(report)).toBe(`::warning file=a.json,line=2,col=3,title=NOT_ENFORCED::it is so (/a)%0A→ change it
::error file=a.json,line=4,col=3,title=TYPE_LIST::it is so (/a)%0A→ change it
::warning file=b.json,line=1,col=3,title=NOT_ENFORCED::it is so (/a)%0A→ change it
2 schemas checked: 1 problem in 1 file, 2 warnings.
`);
  });
});
