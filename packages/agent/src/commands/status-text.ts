import { roughDuration } from '@torchpass/core';
import type { AgentStatus, CertificateStatus, ExporterStatus } from './status.ts';

/** The same for people, a line each. */
export function statusLines(status: AgentStatus, now: Date): string[] {
  const last = status.last_pass;
  return [
    `Host        ${status.host}`,
    `Controller  ${status.controller} (${status.trust_domain})`,
    `Identity    ${validity(status.identity, now)}`,
    ...status.exporters.flatMap((exporter) => ['', ...exporterLines(exporter, now)]),
    '',
    last === null ? 'No pass has been made yet.' : `Last pass   ${last.at}${status.healthy ? ', all well' : ''}`,
    `Resident    ${residentText(status, now)}`,
    ...(status.failures === 0 ? [] : [`Retries     ${retriesText(status, now)}`]),
    ...status.problems.map(({ what }) => `Problem     ${what}`),
    ...nextSteps(status, now).map((step) => `Next        ${step}`),
  ];
}

function exporterLines(
  { name, certificate, web_config, serving, target, problem }: ExporterStatus,
  now: Date,
): string[] {
  return [
    `Exporter    ${name}`,
    `  web configuration  ${web_config}`,
    ...(certificate === null
      ? ['  certificate        none yet']
      : [
          `  certificate        ${certificate.serial}, for ${certificate.names.join(', ')}`,
          `                     ${validity(certificate, now)}`,
        ]),
    `  serves now         ${servingText(serving)}`,
    `  target             ${targetText(target)}`,
    ...(problem === null ? [] : [`  problem            ${problem}`]),
  ];
}

function servingText(serving: ExporterStatus['serving']): string {
  if (serving === null) return 'not looked at: nothing is installed';
  return serving.locked
    ? `certificate ${serving.serial ?? ''}, closed to strangers`
    : (serving.problem ?? 'not locked');
}

function targetText(target: ExporterStatus['target']): string {
  if (target === null) return 'not known: no check-in yet';
  return `${target.state}${target.address === '' ? '' : ` as ${target.address}`}, at the last check-in, ${target.at}`;
}

function validity({ not_before, not_after, renews_at }: CertificateStatus, now: Date): string {
  return `from ${not_before} to ${not_after} (${new Date(not_after) < now ? 'EXPIRED ' : ''}${distance(not_after, now)}), renews ${distance(renews_at, now)}`;
}

function residentText({ resident, next_pass_by }: AgentStatus, now: Date): string {
  if (resident === null)
    return 'no resident agent is running: start "torchpass-agent run", or run "torchpass-agent sync --if-due" every minute from a timer';
  const next = next_pass_by === null ? '' : `, next check-in: ${distance(next_pass_by, now)}`;
  return `"torchpass-agent run", process ${resident.pid}${next}`;
}

function retriesText({ failures, next_attempt_at: at, resident }: AgentStatus, now: Date): string {
  const next = at === null ? '' : `; next attempt: ${distance(at, now)}`;
  const by = resident === null ? ', if "torchpass-agent sync --if-due" runs from a timer' : '';
  return `${failures === 1 ? 'the last pass' : `${failures} passes in a row`} failed${next}${by}`;
}

/** The way out of each problem, said once; without a problem, what happens by itself. */
function nextSteps({ identity, exporters, problems }: AgentStatus, now: Date): string[] {
  const hints = new Set(problems.flatMap(({ hint }) => hint ?? []));
  if (hints.size > 0) return [...hints];
  const due = [identity, ...exporters.flatMap(({ certificate }) => certificate ?? [])].map(
    ({ renews_at }) => renews_at,
  );
  const first = due.toSorted()[0] ?? identity.renews_at;
  return [`The first renewal is due ${distance(first, now)}.`];
}

function distance(time: string, now: Date): string {
  const left = new Date(time).getTime() - now.getTime();
  if (Math.abs(left) < 1000) return 'now';
  return left > 0 ? `in ${roughDuration(left)}` : `${roughDuration(left)} ago`;
}
