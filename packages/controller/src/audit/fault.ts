/** What is wrong with a stored audit log, and where it shows first. */
export interface AuditFault {
  /**
   * `changed`: not what was written there. `missing`: removed. `reordered`: true, but of another place. `added`: more than there should be.
   * `cut-off`: the end is missing. `head`: the row that says where the log begins and ends is not ours. `older`: another log than the
   * one whose head was noted.
   */
  kind: 'changed' | 'missing' | 'reordered' | 'added' | 'cut-off' | 'head' | 'older';
  /** The first entry that does not fit. */
  number: number;
  sentence: string;
}

const SENTENCES: Record<AuditFault['kind'], (number: number) => string> = {
  changed: (n) => `Entry ${n} is not as it was written, or the one before it was replaced.`,
  missing: (n) => `Entry ${n} is missing.`,
  reordered: (n) => `Entry ${n} was written at another place of the log.`,
  added: (n) => `Entry ${n} is beyond the end of the log.`,
  'cut-off': (n) => `The log is cut off: entry ${n} and what followed are missing.`,
  head: (n) => `The head of the log (at entry ${n}) is not authentic: where the log begins and ends is not proven.`,
  older: (n) => `Entry ${n} is not the one whose head was noted: an older database was put back, or another one.`,
};

export function faultAt(kind: AuditFault['kind'], number: number): AuditFault {
  return { kind, number, sentence: SENTENCES[kind](number) };
}
