/** Completion scripts for shells, written from the tree of a program's commands, so that they cannot fall behind it. */
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What can follow the words of one command. */
export interface Place {
  /** The words up to here, such as `lean-ops schema lint`. */
  readonly path: string;
  /** Commands, or the values that the first argument can have. */
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly PlaceOption[];
  /** True when arguments follow, which are files for most commands. */
  readonly takesArguments: boolean;
}

export interface PlaceOption {
  /** `--format`. */
  readonly long: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** The values that it can have; empty when it takes any, or none. */
  readonly choices: readonly string[];
}

/** Every command of the program with what can follow it, the program's own first. */
export function placesOf(command: Command, parents = ''): Place[] {
  const path = `${parents}${command.name()}`;
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((each) => each.name() !== 'help');
  const place: Place = {
    path,
    commands: [
      ...below.map((each) => ({ name: each.name(), description: each.description() })),
      ...(command.registeredArguments[0]?.argChoices ?? []).map((name) => ({ name, description: '' })),
    ],
    options: help
      .visibleOptions(command)
      .flatMap(({ long, description, required, argChoices }) =>
        long ? [{ long, description, takesValue: required, choices: argChoices ?? [] }] : [],
      ),
    takesArguments: command.registeredArguments.length > 0,
  };
  return [place, ...below.flatMap((each) => placesOf(each, `${path} `))];
}

/**
 * The script for one shell. Where there is no command of the program's name, it also defines one.
 *
 * @param program how the program is started: the path of its file for Node.js
 */
export function completionScript(shell: Shell, places: readonly Place[], program: string): string {
  const name = places[0]?.path ?? '';
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](name, places, quote(program));
}

/** A text in single quotes, as all three shells read it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function functionName(name: string): string {
  return `_${name.replaceAll('-', '_')}`;
}

/** The lines of a `case` that extend `at`, the path so far, by the word of a command. */
function pathCases(places: readonly Place[]): string {
  return places
    .slice(1)
    .map(({ path }) => quote(path))
    .join('|');
}

function valueCases(places: readonly Place[], reply: (words: string) => string): string[] {
  return places.flatMap(({ path, options }) =>
    options.flatMap(({ long, takesValue, choices }) =>
      takesValue ? [`    ${quote(`${path} ${long}`)}) ${reply(choices.join(' '))}; return ;;`] : [],
    ),
  );
}

/** The words that can stand next: options after a dash, else commands; nothing where files can stand. */
function nextCases(places: readonly Place[], reply: (words: string) => string): string[] {
  return places.flatMap(({ path, commands, options }) => [
    `    ${quote(`${path} -`)}) ${reply(options.map(({ long }) => long).join(' '))} ;;`,
    ...(commands.length === 0
      ? []
      : [`    ${quote(`${path} `)}) ${reply(commands.map((each) => each.name).join(' '))} ;;`]),
  ]);
}

function bashScript(name: string, places: readonly Place[], program: string): string {
  const reply = (words: string): string =>
    words === '' ? ':' : `COMPREPLY=($(compgen -W ${quote(words)} -- "$word"))`;
  return [
    `type -t ${name} > /dev/null || ${name}() { node ${program} "$@"; }`,
    `${functionName(name)}() {`,
    `  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at=${quote(name)} each dash=`,
    '  COMPREPLY=()',
    '  for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "$at $each" in ${pathCases(places)}) at="$at $each" ;; esac`,
    '  done',
    '  case "$at $before" in',
    ...valueCases(places, reply),
    '  esac',
    '  [[ $word == -* ]] && dash=-',
    '  case "$at $dash" in',
    ...nextCases(places, reply),
    '  esac',
    '}',
    `complete -o default -F ${functionName(name)} ${name}`,
    '',
  ].join('\n');
}

function zshScript(name: string, places: readonly Place[], program: string): string {
  const reply = (words: string): string => (words === '' ? '_files' : `compadd -- ${words}`);
  return [
    `whence ${name} > /dev/null || ${name}() { node ${program} "$@"; }`,
    '(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }',
    `${functionName(name)}() {`,
    `  local at=${quote(name)} each dash=`,
    '  for each in "${words[@]:1:$((CURRENT - 2))}"; do',
    `    case "$at $each" in (${pathCases(places)}) at="$at $each" ;; esac`,
    '  done',
    '  case "$at ${words[CURRENT - 1]}" in',
    ...valueCases(places, reply).map((line) => line.replace(/^ {4}/, '    (')),
    '  esac',
    '  [[ $PREFIX == -* ]] && dash=-',
    '  case "$at $dash" in',
    ...nextCases(places, reply).map((line) => line.replace(/^ {4}/, '    (')),
    '    (*) _files ;;',
    '  esac',
    '}',
    `compdef ${functionName(name)} ${name}`,
    '',
  ].join('\n');
}

function fishScript(name: string, places: readonly Place[], program: string): string {
  const at = `_${functionName(name)}_at`;
  const lines = places.flatMap(({ path, commands, options, takesArguments }) => {
    const here = `complete -c ${name} -n ${quote(`${at} ${quote(path).replaceAll("'", '"')}`)}`;
    return [
      ...(takesArguments ? [] : [`${here} -f`]),
      ...commands.map(
        (each) => `${here} -f -a ${each.name}${each.description === '' ? '' : ` -d ${quote(each.description)}`}`,
      ),
      ...options.map(({ long, description, takesValue, choices }) => {
        const values = choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : takesValue ? ' -r' : '';
        return `${here} -l ${long.replace(/^--/, '')}${values} -d ${quote(description)}`;
      }),
    ];
  });
  return [
    `type -q ${name}; or function ${name}; node ${program} $argv; end`,
    `function ${at}`,
    `  set -l at ${quote(name)}`,
    '  for each in (commandline -opc)[2..]',
    `    contains -- "$at $each" ${places
      .slice(1)
      .map(({ path }) => quote(path))
      .join(' ')}; and set at "$at $each"`,
    '  end',
    '  test "$at" = "$argv[1]"',
    'end',
    ...lines,
    '',
  ].join('\n');
}
