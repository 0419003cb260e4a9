import { join } from 'node:path';
import type { Binaries } from '@torchpass/quickstart';
import { eventually, GiveUp } from './eventually.ts';
import { get } from './http.ts';
import { freePort } from './ports.ts';
import { start, type Running } from './processes.ts';
import type { Scope } from './scope.ts';
import type { ClientTls } from './tls-files.ts';
import { workspace } from './workspace.ts';

export interface ActiveTarget {
  discoveredLabels: Record<string, string>;
  labels: Record<string, string>;
  scrapePool: string;
  scrapeUrl: string;
  /** Empty when the last scrape succeeded. */
  lastError: string;
  lastScrape: string;
  health: 'up' | 'down' | 'unknown';
}

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface Prometheus {
  url: string;
  process: Running;
  targets(): Promise<ActiveTarget[]>;
  /** An instant vector. */
  query(expression: string): Promise<Sample[]>;
  /** SIGHUP; rejects with what Prometheus says when it does not take the new configuration. */
  reload(): Promise<void>;
}

export interface PrometheusOptions {
  configFile: string;
  /** A free one unless given. */
  port?: number;
  /** Its own interface over TLS: the web configuration, and how to call it. */
  web?: { configFile: string; tls: ClientTls };
  args?: readonly string[];
}

/** Starts a real Prometheus on 127.0.0.1 with an empty database; resolves when it is ready. */
export async function startPrometheus(
  scope: Scope,
  binaries: Binaries,
  { configFile, port: wantedPort, web, args = [] }: PrometheusOptions,
): Promise<Prometheus> {
  const data = await workspace(scope);
  const port = wantedPort ?? (await freePort());
  const url = `${web === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const process = start(
    scope,
    binaries.prometheus,
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(data, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...(web === undefined ? [] : [`--web.config.file=${web.configFile}`]),
      ...args,
    ],
    { cwd: data },
  );
  const ask = async (path: string): Promise<string> => {
    if (process.exit !== undefined) throw new GiveUp(`Prometheus has ended:\n${process.output.slice(-4000)}`);
    const { status, body } = await get(`${url}${path}`, web === undefined ? {} : { tls: web.tls });
    if (status !== 200) throw new Error(`Prometheus answers ${path} with ${status}: ${body}`);
    return body;
  };
  await eventually(() => ask('/-/ready'), { withinMs: 30_000 });
  return {
    url,
    process,
    async targets() {
      return (JSON.parse(await ask('/api/v1/targets?state=active')) as TargetsAnswer).data.activeTargets;
    },
    async query(expression) {
      const answer = JSON.parse(await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as QueryAnswer;
      return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async reload() {
      const from = process.output.length;
      process.kill('SIGHUP');
      const outcome = /Completed loading of configuration file|Error (?:reloading|loading) config.*/;
      const [said] = await process.waitFor(outcome, { from, withinMs: 20_000 });
      if (said.startsWith('Error')) throw new Error(`Prometheus refuses ${configFile}: ${said}`);
    },
  };
}

interface TargetsAnswer {
  data: { activeTargets: ActiveTarget[] };
}

interface QueryAnswer {
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}
