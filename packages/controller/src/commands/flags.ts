/** Flags that every command takes; named as Prometheus names its own, with dashes as commander reads them. */
export interface Flags {
  'config.file'?: string;
  'storage.path'?: string;
  listenAddress?: string;
  advertiseAddress?: string;
  'web.listenAddress'?: string;
  'log.level'?: string;
  'log.format'?: string;
}

const SPELLINGS: Record<keyof Flags, string> = {
  'config.file': '--config.file',
  'storage.path': '--storage.path',
  listenAddress: '--listen-address',
  advertiseAddress: '--advertise-address',
  'web.listenAddress': '--web.listen-address',
  'log.level': '--log.level',
  'log.format': '--log.format',
};

/** The flags as they are written on a command line. */
export function flagsAsText(flags: Flags): string[] {
  const given = Object.entries(SPELLINGS).map(([key, spelling]) => ({ spelling, value: flags[key as keyof Flags] }));
  return given.flatMap(({ spelling, value }) => (value === undefined ? [] : [`${spelling}=${value}`]));
}
