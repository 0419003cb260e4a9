/** What `check` found. An error is what Torchpass does not do by itself; a warning deserves a look. */
export interface Finding {
  severity: 'error' | 'warning';
  /** What it is about: `certificate 4a…`, `exporter web-1/node`, a path. */
  subject: string;
  /** A sentence. */
  problem: string;
}

export const error = (subject: string, problem: string): Finding => ({ severity: 'error', subject, problem });
export const warning = (subject: string, problem: string): Finding => ({ severity: 'warning', subject, problem });
