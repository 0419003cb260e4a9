export type Suite = 'bookworm' | 'trixie' | 'sid';

export interface Binaries {
  /** Absolute paths. */
  prometheus: string;
  nodeExporter: string;
  promtool: string | undefined;
  /** Where they are from, in words for people: `PATH`, `Debian bookworm (2.42.0+ds-5)`. */
  source: string;
}

export interface SearchOptions {
  /** An absolute folder, made when it is not there. Several processes may share it. */
  cache: string;
  /** Told what is being done, one sentence a step, before each step that takes longer than a moment. */
  report: (sentence: string) => void;
  signal?: AbortSignal;
}
