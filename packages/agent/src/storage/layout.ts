import { join } from 'node:path';

/** Where everything is in the agent's folder. */
export interface Layout {
  root: string;
  /** The pass under way. */
  lock: string;
  /** The resident agent. */
  runLock: string;
  /** The last check-in's answer, for `status`. Nothing is decided by it. */
  status: string;
  /** When the controller wants certificates to be renewed. */
  appointments: string;
  identity: {
    folder: string;
    /** Whom this host belongs to. */
    enrolment: string;
    /** Private key and certificate chain in one file, so that they cannot be torn apart. */
    pair: string;
    /** The key of a renewal that is under way. */
    nextKey: string;
    /** The key of an enrolment that is under way; an identity that it replaces stays in use until then. */
    joinKey: string;
  };
  exporters: string;
  exporter(name: string): ExporterLayout;
}

export interface ExporterLayout {
  folder: string;
  nextKey: string;
  capabilities: string;
  /** The restart generation for which it was last started. */
  lastStart: string;
  /** One immutable folder for each certificate, named by its serial number. */
  generations: string;
}

/** Others may pass through, so that an exporter's user reaches its files; they may not look around. */
export const PASSABLE = { mode: 0o711 };
export const PRIVATE_FOLDER = { mode: 0o700 };
export const PRIVATE_FILE = { mode: 0o600 };

export function layoutOf(root: string): Layout {
  const identity = join(root, 'identity');
  const exporters = join(root, 'exporters');
  return {
    root,
    lock: join(root, 'lock'),
    runLock: join(root, 'run.lock'),
    status: join(root, 'status.json'),
    appointments: join(root, 'appointments.json'),
    identity: {
      folder: identity,
      enrolment: join(identity, 'enrolment.json'),
      pair: join(identity, 'identity.pem'),
      nextKey: join(identity, 'next-key.pem'),
      joinKey: join(identity, 'join-key.pem'),
    },
    exporters,
    exporter: (name) => {
      const folder = join(exporters, name);
      return {
        folder,
        nextKey: join(folder, 'next-key.pem'),
        capabilities: join(folder, 'capabilities.json'),
        lastStart: join(folder, 'last-start'),
        generations: join(folder, 'generations'),
      };
    },
  };
}
