/** What a client process is told on its standard input, as JSON. */
export type Job = Common &
  (
    | {
        /** Each operation: a new TLS connection, `Enroll`. */
        kind: 'enrol';
        controller: string;
        rootsPem: string;
        token: string;
        /** Unique among the client processes of all rounds. */
        prefix: string;
      }
    | {
        /** `IssueCertificate` for an enrolled host's identity: over a new mutual-TLS connection each, or over connections that are kept. */
        kind: 'renew';
        controller: string;
        rootsPem: string;
        connection: 'new' | 'kept';
        token: string;
        prefix: string;
        /** How many hosts this process enrols beforehand, and renews in turn. */
        hosts: number;
      }
    | {
        /** cfssl's sign endpoint, plain HTTP over connections that are kept. */
        kind: 'cfssl';
        url: string;
      }
  );

interface Common {
  /** How many operations at once. */
  lanes: number;
  /** Runs for so long. */
  milliseconds: number;
  /** How many keys and requests are made beforehand; more are made while it runs when these are used up. */
  requests: number;
}

/** What a client process prints at its end. */
export interface Outcome {
  /** Milliseconds of each operation that succeeded. */
  latencies: number[];
  failures: number;
  /** Of the first. */
  failure: string | undefined;
  /** Keys that were not made beforehand. */
  late: number;
  /** Its own processor time while it ran, in seconds. */
  processorSeconds: number;
}
