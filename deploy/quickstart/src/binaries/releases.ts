import type { Architecture } from './machine.ts';

/** A release of upstream: its archive for Linux, by the SHA-256 that upstream published in the release's sha256sums.txt. */
export interface Release {
  program: 'prometheus' | 'node_exporter';
  version: string;
  sha256: Record<Architecture, string>;
}

/** Prometheus's long-term release and a node_exporter of the same year. To move on, take both sums from the new sha256sums.txt. */
export const RELEASES: readonly Release[] = [
  {
    program: 'prometheus',
    version: '3.5.0',
    sha256: {
      amd64: 'e811827af26d822afb09a4f28314f61b618b12cff5369835a67f674d8b46f39a',
      arm64: '173389cc42bf09c4e6e54cb53fa07a5a835d7c261e14775d2183181d6e385d1c',
    },
  },
  {
    program: 'node_exporter',
    version: '1.9.1',
    sha256: {
      amd64: 'becb950ee80daa8ae7331d77966d94a611af79ad0d3307380907e0ec08f5b4e8',
      arm64: '848f139986f63232ced83babe3cad1679efdbb26c694737edc1f4fbd27b96203',
    },
  },
];
