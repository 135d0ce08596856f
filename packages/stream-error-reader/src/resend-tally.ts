export interface Reason {
  readonly code: string;
  /** Of the first one. */
  readonly reason: string;
  records: number;
}

export interface TallySums {
  /** resent + refused + left. */
  readonly records: number;
  readonly resent: number;
  /** Marked by an earlier resend, and so not sent again. */
  readonly already_resent: number;
  readonly refused_records: number;
  readonly left: number;
  /** What no resend can help, by code. */
  readonly refused: readonly Reason[];
  /** What the same request may bring in later, by code. */
  readonly left_because: readonly Reason[];
}

export interface ResendSummary extends TallySums {
  readonly action: 'resend';
  readonly dry_run: boolean;
  readonly objects: number;
  /** Not begun, for want of time: the same request goes on with them. */
  readonly objects_left: number;
}

interface GroupCount {
  resent: number;
  open: number;
  note: string;
}

/** Counts what became of each record, by group and in all. */
export class Tally {
  readonly #groups = new Map<string, GroupCount>();
  readonly #refused = new Map<string, Reason>();
  readonly #left = new Map<string, Reason>();
  #resent = 0;
  #already = 0;

  of(group: string): Readonly<GroupCount> {
    return this.#groups.get(group) ?? { resent: 0, open: 0, note: '' };
  }

  resent(group: string): void {
    this.#group(group).resent++;
    this.#resent++;
  }

  refused(group: string, code: string, reason: string): void {
    this.#open(group, code, reason);
    count(this.#refused, code, reason);
  }

  left(group: string, code: string, reason: string): void {
    this.#open(group, code, reason);
    count(this.#left, code, reason);
  }

  already(records: number): void {
    this.#already += records;
  }

  /** Takes over the sums of another one; its groups are done with. */
  add(other: Tally): void {
    this.#resent += other.#resent;
    this.#already += other.#already;
    for (const { code, reason, records } of other.#refused.values()) count(this.#refused, code, reason, records);
    for (const { code, reason, records } of other.#left.values()) count(this.#left, code, reason, records);
  }

  sums(): TallySums {
    const refused = [...this.#refused.values()];
    const leftBecause = [...this.#left.values()];
    const sum = (reasons: readonly Reason[]): number => reasons.reduce((total, { records }) => total + records, 0);
    return {
      records: this.#resent + sum(refused) + sum(leftBecause),
      resent: this.#resent,
      already_resent: this.#already,
      refused_records: sum(refused),
      left: sum(leftBecause),
      refused,
      left_because: leftBecause,
    };
  }

  #group(name: string): GroupCount {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { resent: 0, open: 0, note: '' };
      this.#groups.set(name, group);
    }
    return group;
  }

  #open(name: string, code: string, reason: string): void {
    const group = this.#group(name);
    group.open++;
    if (group.note === '') group.note = `${code}: ${reason}`.slice(0, 500);
  }
}

function count(reasons: Map<string, Reason>, code: string, reason: string, records = 1): void {
  const known = reasons.get(code);
  if (known === undefined) reasons.set(code, { code, reason: reason.slice(0, 500), records });
  else known.records += records;
}
