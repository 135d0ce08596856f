/**
 * Days for which cycle_delta keeps the rows of a cycle that every topic has taken. A cycle that some topic has not taken, because
 * it is held or behind, stays for as long as that lasts, with the rows of all topics.
 */
export const CYCLE_DELTA_KEPT_DAYS = 14;
