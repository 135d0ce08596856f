const MAX_REASON = 500;

export interface Reason {
  readonly code: string;
  /** The reason given for the first record with this code. */
  readonly reason: string;
  records: number;
}

/** The totals of a resend, as its answer gives them. */
export interface TallySums {
  /** The sum of resent, refused and left records. */
  readonly records: number;
  readonly resent: number;
  /** Records that an earlier resend sent, and this one did not. */
  readonly already_resent: number;
  readonly refused_records: number;
  readonly left: number;
  /** Records that no resend can deliver, by code. */
  readonly refused: readonly Reason[];
  /** Records that the same request may deliver later, by code. */
  readonly left_because: readonly Reason[];
}

export interface ResendSummary extends TallySums {
  readonly action: 'resend';
  readonly dry_run: boolean;
  readonly objects: number;
  /** Objects that there was no time for; the same request goes on with them. */
  readonly objects_left: number;
  /** Of a request for one entry: where its first record is that is left. The next request goes on there, as `from`. */
  readonly next?: string;
}

interface GroupCount {
  resent: number;
  refused: number;
  left: number;
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
    return this.#groups.get(group) ?? { resent: 0, refused: 0, left: 0, note: '' };
  }

  resent(group: string): void {
    this.#group(group).resent++;
    this.#resent++;
  }

  refused(group: string, code: string, reason: string): void {
    this.#open(group, code, reason).refused++;
    count(this.#refused, code, reason);
  }

  left(group: string, code: string, reason: string): void {
    this.#open(group, code, reason).left++;
    count(this.#left, code, reason);
  }

  already(records: number): void {
    this.#already += records;
  }

  /** Adds the totals of another tally, but not its groups. */
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
      group = { resent: 0, refused: 0, left: 0, note: '' };
      this.#groups.set(name, group);
    }
    return group;
  }

  #open(name: string, code: string, reason: string): GroupCount {
    const group = this.#group(name);
    if (group.note === '') group.note = `${code}: ${reason}`.slice(0, MAX_REASON);
    return group;
  }
}

function count(reasons: Map<string, Reason>, code: string, reason: string, records = 1): void {
  const known = reasons.get(code);
  if (known === undefined) reasons.set(code, { code, reason: reason.slice(0, MAX_REASON), records });
  else known.records += records;
}
