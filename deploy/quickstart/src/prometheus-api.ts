import { setTimeout as delay } from 'node:timers/promises';
import { TorchpassError } from '@torchpass/core';

/** The last scrape of a target, in Prometheus's own words. Source: Prometheus's HTTP API, /api/v1/targets. */
export interface ScrapedTarget {
  instance: string;
  health: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
}

interface TargetsAnswer {
  data: {
    activeTargets: {
      labels: Record<string, string>;
      health: string;
      lastError: string;
      lastScrape: string;
      lastScrapeDuration: number;
    }[];
  };
}

const POLL_MS = 200;
const PATIENCE_MS = 90_000;

export async function waitUntilReady(url: string, signal: AbortSignal): Promise<void> {
  await poll(signal, 'Prometheus does not become ready', async () => {
    const answer = await fetch(`${url}/-/ready`, { signal });
    return answer.ok ? true : undefined;
  });
}

/** Waits until every one of `instances` was scraped well. */
export function waitUntilUp(url: string, instances: readonly string[], signal: AbortSignal): Promise<ScrapedTarget[]> {
  return poll(signal, `Prometheus does not see ${instances.join(', ')} up`, async () => {
    const targets = await activeTargets(url, signal);
    const wanted = targets.filter(({ instance }) => instances.includes(instance));
    const up = wanted.filter(({ health }) => health === 'up');
    return up.length === instances.length ? up : undefined;
  });
}

export async function activeTargets(url: string, signal: AbortSignal): Promise<ScrapedTarget[]> {
  const answer = await fetch(`${url}/api/v1/targets?state=active`, { signal });
  const { data } = (await answer.json()) as TargetsAnswer;
  return data.activeTargets.map(({ labels, health, lastError, lastScrape, lastScrapeDuration }) => {
    return { instance: labels['instance'] ?? '', health, lastError, lastScrape, lastScrapeDuration };
  });
}

async function poll<T>(signal: AbortSignal, complaint: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  let reason = 'no answer';
  while (performance.now() < deadline) {
    try {
      const found = await ask();
      if (found !== undefined) return found;
      reason = 'not yet';
    } catch (error) {
      signal.throwIfAborted();
      reason = error instanceof Error ? error.message : String(error);
    }
    await delay(POLL_MS, undefined, { signal });
  }
  throw new TorchpassError('EXPORTER_UNREACHABLE', `${complaint} within ${PATIENCE_MS / 1000} s (${reason}).`, {
    hint: 'The logs are in the data folder, under logs/.',
  });
}
