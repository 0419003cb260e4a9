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
        /** A call of an enrolled host, over a new mutual-TLS connection each or over connections that are kept. */
        kind: 'host';
        /** `IssueCertificate` for its identity, or `CheckIn` with one exporter that has no certificate yet. */
        call: 'renew' | 'check-in';
        controller: string;
        rootsPem: string;
        connection: 'new' | 'kept';
        token: string;
        prefix: string;
        /** Of the hosts that this process enrols beforehand, and that call in turn. */
        addresses: string[];
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
