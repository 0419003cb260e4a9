/** Preloaded into a program that is measured: at its end, writes what it used to the file of TORCHPASS_BENCH_USAGE. */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

export interface Usage {
  /** The kernel's high-water mark of this program alone: unlike that of wait4(2), it does not begin with the parent's. */
  mostResidentMiB: number;
  /** User and system, all threads. */
  processorMs: number;
  wallMs: number;
}

const file = process.env['TORCHPASS_BENCH_USAGE'];

if (file !== undefined) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const status = readFileSync('/proc/self/status', 'utf8');
    const usage: Usage = {
      mostResidentMiB: Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024,
      processorMs: (userCPUTime + systemCPUTime) / 1000,
      wallMs: process.uptime() * 1000,
    };
    writeFileSync(file, JSON.stringify(usage));
  });
}
