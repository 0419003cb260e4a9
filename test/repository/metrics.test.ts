import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { openLab } from '../../packages/controller/src/testing/lab.ts';
import { sections, text } from './files.ts';

interface Described {
  name: string;
  type: string;
  labels: string[];
}

/** What the controller registers, with the labels that it really gives. */
async function registered(): Promise<Described[]> {
  const lab = await openLab();
  await lab.revocationLists.refresh();
  const { registry, observe } = lab.metrics;
  observe('/torchpass.v1.AgentService/CheckIn', 'OK');
  return (await registry.getMetricsAsJSON())
    .filter(({ name }) => !/^(?:process|nodejs)_/.test(name))
    .map(({ name, type, values }) => ({ name, type: String(type), labels: Object.keys(values[0]?.labels ?? {}) }));
}

function documented(): Described[] {
  return sections(text('docs/metrics.md'))
    .filter(([heading]) => /^[a-z_]+$/.test(heading))
    .map(([name, body]) => {
      const [, type = '', labels = ''] = /^Type: (\w+)\. Labels: (.+)\.$/m.exec(body) ?? [];
      return { name, type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) };
    });
}

const byName = (metrics: Described[]) => metrics.toSorted((a, b) => a.name.localeCompare(b.name));

it("docs/metrics.md describes exactly the controller's own metrics, with type and labels", async () => {
  expect(byName(documented())).toEqual(byName(await registered()));
});

it('says what each means, and has one sentence for those of the process', () => {
  const all = sections(text('docs/metrics.md'));
  for (const [, body] of all) {
    const prose = body.replace(/^Type: .*$/m, '').replace(/```[^]*?```/g, '');
    expect(prose.trim()).toMatch(/^[A-Z0-9`][^]{20,}\.$/);
  }
  expect(all.find(([heading]) => heading === 'Of the process')?.[1]).toMatch(/process_.*nodejs_/s);
});

it('the alerts ask only for metrics and labels that exist, and say what to do', async () => {
  const { groups } = parse(text('deploy/prometheus/alerts.yml')) as {
    groups: { rules: { alert: string; expr: string; labels: object; annotations: object }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  const known = new Map((await registered()).map((metric) => [metric.name, metric.labels]));
  expect(rules.length).toBeGreaterThan(5);
  for (const { expr, labels, annotations } of rules) {
    const selectors = [...expr.matchAll(/(torchpass_\w+)(?:\{(\w+)=~?)?/g)];
    expect(selectors).not.toEqual([]);
    for (const [, name = '', label] of selectors) {
      expect([...known.keys()]).toContain(name);
      expect([undefined, ...(known.get(name) ?? [])]).toContain(label);
    }
    expect(labels).toEqual({ severity: expect.stringMatching(/^(?:warning|critical)$/) });
    expect(annotations).toEqual({ summary: expect.stringMatching(/\.$/), description: expect.stringMatching(/\.$/) });
  }
});
