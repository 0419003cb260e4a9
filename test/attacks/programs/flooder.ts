import { FLOODS } from './floods.ts';

/** Floods a port of this machine from many loopback addresses: `flooder.ts PORT SECONDS AT_ONCE KIND…`. Prints how often it tried. */
const [port = '', seconds = '', atOnce = '', ...kinds] = process.argv.slice(2);
const end = AbortSignal.timeout(Number(seconds) * 1000);
const ADDRESSES = 100;
let attempts = 0;

async function work(kind: string, number: number): Promise<void> {
  const flood = FLOODS[kind];
  if (flood === undefined) throw new TypeError(`There is no flood ${kind}.`);
  while (!end.aborted) {
    attempts += 1;
    const localAddress = `127.0.${1 + (Math.floor(attempts / ADDRESSES) % 3)}.${1 + (attempts % ADDRESSES)}`;
    await flood({ port: Number(port), localAddress, signal: end });
    // A refusal comes at once: without a pause this program would be busy with being refused.
    await new Promise((resolve) => setTimeout(resolve, 5 + (number % 10)));
  }
}

for (const kind of kinds) for (let n = 0; n < Number(atOnce); n += 1) void work(kind, n);
// However busy it is with what it began.
end.addEventListener('abort', () => {
  process.stdout.write(`${attempts}\n`);
  process.exit(0);
});
