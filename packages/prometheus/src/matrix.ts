import { formatHostPort } from '@torchpass/core';
import { probeTls } from './probe.ts';
import type { PlainOutcome, ProbeCredentials, ProbeOutcome, ProbeTarget } from './probe-options.ts';
import { probePlain } from './probe-plain.ts';
import { normaliseSerial } from './serial.ts';

export interface Intruder {
  /** For a sentence: "no certificate", "an agent identity". */
  name: string;
  credentials: ProbeCredentials | undefined;
}

export interface MatrixOptions {
  intruders: readonly Intruder[];
  /** Hex of the serial number that should be served. */
  expectedSerial?: string | undefined;
  /** For each probe; they run at the same time. */
  timeoutMs: number;
  connectTo?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface MatrixResult {
  reachable: boolean;
  servedSerial: string | undefined;
  /** What let a stranger in, each a sentence. */
  openings: string[];
  /** The first thing to fix, with the next step; undefined when every defence stands. */
  problem: string | undefined;
}

interface Verdict {
  intruder: Intruder;
  outcome: ProbeOutcome;
}

const MAX_BYTES = 65_536;

/**
 * Tries an exporter as strangers would: plain HTTP, and TLS as each intruder. All must be refused; a stranger that
 * could not be judged, by a timeout say, is a problem and not a success.
 *
 * @throws as `probeTls`
 */
export async function probeDefences(target: ProbeTarget, options: MatrixOptions): Promise<MatrixResult> {
  const { timeoutMs, connectTo, signal } = options;
  const common = { timeoutMs, connectTo, signal, maxBytes: MAX_BYTES };
  const [plain, verdicts] = await Promise.all([
    probePlain(target, common),
    Promise.all(
      options.intruders.map(async (intruder): Promise<Verdict> => ({
        intruder,
        outcome: await probeTls(target, { ...common, client: intruder.credentials }),
      })),
    ),
  ]);
  const place = formatHostPort(target);
  const openings = findOpenings(plain, verdicts, place);
  const served = findSerial(verdicts, options.expectedSerial);
  const reachable = plain !== 'unreachable' || verdicts.some(({ outcome }) => outcome.kind !== 'unreachable');
  return {
    reachable,
    servedSerial: served.serial,
    openings,
    problem: reachable
      ? (adviseOn(openings) ?? undecided(plain, verdicts, place) ?? served.problem)
      : `Nothing answers at ${place}. Check that the exporter runs, listens there, and that no firewall is in between.`,
  };
}

function findOpenings(plain: PlainOutcome, verdicts: readonly Verdict[], place: string): string[] {
  return [
    ...(plain === 'open' ? [`${place} answers plain HTTP.`] : []),
    ...verdicts.flatMap(({ intruder, outcome }) =>
      outcome.kind === 'answered'
        ? [`${place} lets in a client with ${intruder.name} (HTTP status ${outcome.status}).`]
        : [],
    ),
  ];
}

function adviseOn([first]: readonly string[]): string | undefined {
  if (first === undefined) return undefined;
  return `${first} Restart the exporter with the web configuration that demands client certificates, or stop it.`;
}

function undecided(plain: PlainOutcome, verdicts: readonly Verdict[], place: string): string | undefined {
  const silent = verdicts.find(({ outcome }) => outcome.kind === 'unreachable');
  if (silent?.outcome.kind === 'unreachable') {
    return `${place} could not be tried with ${silent.intruder.name}: ${silent.outcome.reason} Try again.`;
  }
  return plain === 'unreachable' ? `${place} could not be tried with plain HTTP. Try again.` : undefined;
}

/** TLS 1.2 refuses before its certificate can be seen; every exporter of today speaks 1.3. */
function findSerial(
  verdicts: readonly Verdict[],
  expected: string | undefined,
): { serial: string | undefined; problem: string | undefined } {
  const seen = verdicts.flatMap(({ outcome }) =>
    outcome.kind === 'unreachable' || outcome.serverSerial === undefined ? [] : [outcome.serverSerial],
  );
  if (expected === undefined) return { serial: seen[0], problem: undefined };
  const wanted = normaliseSerial(expected);
  const serial = seen.find((other) => other !== wanted) ?? seen[0];
  if (serial === wanted) return { serial, problem: undefined };
  const problem =
    serial === undefined
      ? 'The exporter did not show its certificate. Let it speak TLS 1.3.'
      : `The exporter serves certificate ${serial}, not ${wanted}. Restart it if it does not change within a minute.`;
  return { serial, problem };
}
