import { lapsedHint } from '../identity/rejoin.ts';
import { aboutExporter, type Problem } from './problem.ts';
import type { AgentStatus, CertificateStatus, ExporterStatus } from './status.ts';

type Seen = Omit<AgentStatus, 'healthy' | 'problems'>;

/** Everything that is wrong, the gravest first: what was seen just now, then what the last pass could not do. */
export function findProblems(seen: Seen, left: readonly Problem[], now: Date): Problem[] {
  const rejoin = lapsedHint(seen.host);
  const identity = outOfTime("This host's identity", seen.identity, rejoin, now);
  const expired = identity?.hint === rejoin;
  const current = [
    ...(identity === undefined ? [] : [identity]),
    ...seen.exporters.flatMap((exporter) => exporterProblems(exporter, expired ? rejoin : undefined, now)),
  ];
  // The last pass mostly failed for the same reason, and said it in longer words.
  const known = (problem: Problem) => left.some(({ what }) => what.includes(problem.what));
  return [...current.filter((problem) => !known(problem)), ...left];
}

function exporterProblems(
  { name, certificate, serving, problem }: ExporterStatus,
  rejoin: string | undefined,
  now: Date,
): Problem[] {
  const found: (Problem | undefined)[] = [];
  const again = rejoin ?? 'Run "torchpass-agent sync".';
  if (certificate !== null) {
    found.push(outOfTime(`The certificate of exporter "${name}"`, certificate, again, now));
  }
  if (problem !== null) found.push({ what: problem });
  else if (certificate === null) found.push({ what: `Exporter "${name}": no certificate is installed.`, hint: again });
  if (serving !== null && !serving.locked) found.push({ what: serving.problem ?? 'It is not locked.', hint: again });
  return found.flatMap((one) => (one === undefined ? [] : aboutExporter(name, one)));
}

function outOfTime(
  what: string,
  { not_before, not_after }: CertificateStatus,
  hint: string,
  now: Date,
): Problem | undefined {
  if (now > new Date(not_after)) return { what: `${what} expired at ${not_after}.`, hint };
  if (now >= new Date(not_before)) return undefined;
  const clock = `Check the clock of this machine: it says ${now.toISOString()}.`;
  return { what: `${what} is not valid before ${not_before}.`, hint: clock };
}
