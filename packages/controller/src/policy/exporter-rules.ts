import { listed } from './host-rules.ts';
import type { Policy } from './policy.ts';
import type { PolicyRequest, Step } from './request.ts';
import { step } from './step.ts';

/** Rules about one exporter of a host: its name and its job. */
export function exporterRules(policy: Policy, { exporter, job, token }: PolicyRequest): Step[] {
  const steps: Step[] = [];
  if (exporter !== undefined) {
    const why = `The policy allows no exporter "${exporter}".`;
    steps.push(listed('policy.exporters', exporter, policy.exporters, why));
    const allowed = token?.exporters ?? [];
    if (allowed.length > 0) {
      const why = `The join token allows only ${allowed.join(', ')}.`;
      steps.push(step('token.exporters', exporter, allowed.includes(exporter), why));
    }
  }
  if (job !== undefined) {
    steps.push(listed('policy.jobs', job, policy.jobs, `The policy allows no job "${job}".`));
    const given = token?.job;
    if (given !== undefined)
      steps.push(step('token.job', job, given === job, `Its job is "${given}", decided by the join token.`));
  }
  return steps;
}
