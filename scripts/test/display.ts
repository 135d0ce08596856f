/** Shows a person how the tests go: a line when a part begins and ends, and now and then what is under way. */
import type { Report } from './reports';

const SHOWN_CHARACTERS = 100;
/** A terminal's last line is redrawn at will; in a log every line stays. */
const INTERVAL_MS = process.stdout.isTTY ? 500 : 30_000;

export class Display {
  private readonly underWay = new Map<string, string>();
  private readonly timer = setInterval(() => this.show(), INTERVAL_MS);
  private setUp = '';

  say(line: string): void {
    this.clear();
    console.log(line);
  }

  start(title: string): void {
    this.underWay.set(title, '');
    this.say(`▸ ${title}`);
  }

  /** @param title of a part that has begun, or any other name. */
  progress(title: string, line: string): void {
    if (this.underWay.has(title)) this.underWay.set(title, line);
    else this.setUp = line;
  }

  end(title: string, { passed, failures }: Report, seconds: number): void {
    this.underWay.delete(title);
    if (passed + failures.length === 0) return;
    const mark = failures.length === 0 ? '✔' : '✘';
    this.say(`${mark} ${title}: ${passed} passed, ${failures.length} failed (${seconds.toFixed(0)} s)`);
    for (const { test } of failures.slice(0, 20)) this.say(`    ${test}`);
  }

  close(): void {
    clearInterval(this.timer);
    this.clear();
  }

  private show(): void {
    const lines = [...this.underWay].map(([title, line]) => `${title}${line === '' ? '' : `: ${line}`}`);
    if (lines.length === 0 && this.setUp !== '') lines.push(`Set-up: ${this.setUp}`);
    if (process.stdout.isTTY) {
      const width = process.stdout.columns;
      this.clear();
      process.stdout.write(lines.map((line) => line.slice(0, Math.floor(width / lines.length) - 3)).join(' · '));
    } else for (const line of lines) console.log(`  … ${line.slice(0, SHOWN_CHARACTERS)}`);
  }

  private clear(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[2K');
  }
}
