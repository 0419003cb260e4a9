import { readFile } from 'node:fs/promises';

/** Tells processes apart, also when their numbers are used again. */
export interface Processes {
  /** Our own number. */
  readonly self: number;
  /** When the process started, in whatever unit the system has; undefined when there is no such process. */
  startOf(pid: number): Promise<string | undefined>;
}

/** Linux: field 22 of /proc/PID/stat, in clock ticks since the machine started (proc_pid_stat(5)). */
export const linuxProcesses: Processes = {
  self: process.pid,
  async startOf(pid) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  },
};
