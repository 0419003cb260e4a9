import { expect, it, vi } from 'vitest';
import { METHOD_POLICIES } from './grpc/methods.ts';
import { joinHost, report, SERVERS_ALLOWED } from './testing/host.ts';
import { openLab, type Lab } from './testing/lab.ts';

vi.mock('node:crypto', async (original) =>
  (await import('./testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const DAY_MS = 86_400_000;

/** What Prometheus reads of this metric: labels and value of each sample. */
async function samples(lab: Lab, metric: string): Promise<Record<string, number>> {
  const text = await lab.metrics.registry.getSingleMetricAsString(metric);
  const lines = text.split('\n').filter((line) => line.startsWith(metric));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(metric.length, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}

it('has every method from the start, so that a first internal error is an increase', async () => {
  const lab = await openLab();
  const methods = Object.keys(METHOD_POLICIES);
  const expected = methods.flatMap((method) =>
    ['OK', 'INTERNAL'].map((code) => [`{method="${method}",code="${code}"}`, 0] as const),
  );
  expect(await samples(lab, 'torchpass_rpc_total')).toEqual(Object.fromEntries(expected));
});

it('counts every exporter whose certificate is late, not only the first', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  for (const [index, name] of ['web-1', 'web-2', 'web-3'].entries()) {
    const host = await joinHost(lab, { name, address: `198.51.100.${index + 1}` });
    await host.serve();
    if (name === 'web-2') lab.clock.advance(DAY_MS);
  }
  const overdue = () => samples(lab, 'torchpass_exporters_overdue');
  lab.clock.advance(5.5 * DAY_MS);
  expect(await overdue()).toEqual({ '': 0 });
  lab.clock.advance(0.25 * DAY_MS);
  expect(await overdue()).toEqual({ '': 2 });
  lab.clock.advance(30 * DAY_MS);
  expect(await overdue()).toEqual({ '': 3 });
});

it("tells when the installation's own certificates end, and moves on when they are renewed", async () => {
  const lab = await openLab();
  const start = lab.clock.now().getTime();
  const ends = () => samples(lab, 'torchpass_certificate_not_after_timestamp_seconds');
  const in7Days = (start + 7 * DAY_MS) / 1000;
  expect(await ends()).toEqual({ '{role="scraper"}': in7Days, '{role="web"}': in7Days });
  lab.clock.advance(4 * DAY_MS);
  await lab.prometheusFolder.refresh();
  const in11Days = (start + 11 * DAY_MS) / 1000;
  expect(await ends()).toEqual({ '{role="scraper"}': in11Days, '{role="web"}': in11Days });
});

it('counts what was issued by role, and looks from outside that found something wrong', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const host = await joinHost(lab, {});
  const issued = await samples(lab, 'torchpass_certificates_issued_total');
  expect(issued).toEqual({
    '{role="controller"}': 0,
    '{role="agent"}': 1,
    '{role="exporter"}': 1,
    '{role="scraper"}': 1,
  });
  expect(await samples(lab, 'torchpass_probe_failures_total')).toEqual({ '': 0 });
  lab.outside.answer = () => 'It answers without a certificate.';
  await host.serve();
  await host.checkIn([report()]);
  expect(await samples(lab, 'torchpass_probe_failures_total')).toEqual({ '': 1 });
});
