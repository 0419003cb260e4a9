import { roughDuration } from '@torchpass/core';
import { rejoinHint } from '../identity/rejoin.ts';
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
    last === null ? 'No pass has been made yet.' : `Last pass   ${last.at}${last.problem === null ? ', all well' : ''}`,
    ...(last?.problem === null || last === null ? [] : [`Problem     ${last.problem}`]),
    `Next        ${nextStep(status, now)}`,
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
  const why = target.problem === null ? '' : `: ${target.problem}`;
  return `${target.state}${target.address === '' ? '' : ` as ${target.address}`}${why}`;
}

function validity({ not_before, not_after, renews_at }: CertificateStatus, now: Date): string {
  return `from ${not_before} to ${not_after} (${distance(not_after, now)}), renews ${distance(renews_at, now)}`;
}

function nextStep({ host, identity, exporters, next_pass_by }: AgentStatus, now: Date): string {
  if (new Date(identity.not_after) <= now) {
    return `The identity has expired. ${rejoinHint(host)}`;
  }
  const due = [identity, ...exporters.flatMap(({ certificate }) => certificate ?? [])].map(
    ({ renews_at }) => renews_at,
  );
  const first = due.toSorted()[0] ?? identity.renews_at;
  const visit =
    next_pass_by === null
      ? ''
      : `; the resident agent ("torchpass-agent run") checks in ${distance(next_pass_by, now)}`;
  return `The first renewal is due ${distance(first, now)}${visit}.`;
}

function distance(time: string, now: Date): string {
  const left = new Date(time).getTime() - now.getTime();
  if (Math.abs(left) < 1000) return 'now';
  return left > 0 ? `in ${roughDuration(left)}` : `${roughDuration(left)} ago`;
}
