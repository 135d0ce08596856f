/** Conditions of SQL, put together without terms that decide nothing. */

export function anyOf(conditions: readonly string[]): string {
  if (conditions.includes('TRUE')) return 'TRUE';
  const real = conditions.filter((one) => one !== 'FALSE');
  return real.length === 0 ? 'FALSE' : real.length === 1 ? (real[0] ?? '') : `(${real.join(' OR ')})`;
}

export function allOf(conditions: readonly string[]): string {
  if (conditions.includes('FALSE')) return 'FALSE';
  const real = conditions.filter((one) => one !== 'TRUE');
  return real.length === 0 ? 'TRUE' : real.length === 1 ? (real[0] ?? '') : `(${real.join(' AND ')})`;
}

export function not(condition: string): string {
  if (condition === 'FALSE') return 'TRUE';
  return condition === 'TRUE' ? 'FALSE' : `NOT ${condition.startsWith('(') ? condition : `(${condition})`}`;
}
