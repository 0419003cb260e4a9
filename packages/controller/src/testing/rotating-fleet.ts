import { join } from 'node:path';
import { rotateRequest, type RotateInput } from '../api/types.ts';
import { createControllerCertificate } from '../issuance/controller-certificate.ts';
import type { AuthorityRole } from '../rotation/situation.ts';
import { joinFleet, type FleetHost } from './fleet.ts';
import { SERVERS_ALLOWED } from './host.ts';
import { openLab, type Lab } from './lab.ts';
import { OPERATOR } from './operator.ts';

const SECOND = 1000;
const CONFIG = {
  ...SERVERS_ALLOWED,
  targets: { check_in_interval: '1s', publish_interval: '0s' },
  prometheus: { scrape_interval: '1s' },
};

/** Two hosts, and time that passes for them, the controller and its upkeep together. */
export interface Fleet extends Lab {
  hosts: FleetHost[];
  rotate: (role: AuthorityRole, request?: RotateInput) => ReturnType<Lab['services']['authorities']['rotate']>;
  /** So many rounds: a second goes by, upkeep does its work, hosts that are not away make a pass. */
  live: (rounds: number, away?: readonly string[]) => Promise<void>;
  /** `ROLE STATE` of all that are not gone, a letter each for which one: a is the first. */
  states: (role: AuthorityRole) => Promise<string>;
}

export async function withFleet(): Promise<Fleet> {
  const lab = await openLab({ config: CONFIG });
  const { files, authorities, issuance, clock, config } = lab;
  const controllerCertificate = createControllerCertificate({
    files,
    authorities,
    issuance,
    clock,
    names: ['127.0.0.1'],
    lifetimeMs: 3_600_000,
    keyPath: join(config.storage_path, 'controller-key.sealed'),
  });
  await controllerCertificate.fresh();
  const hosts = [await joinFleet(lab, 'web-1'), await joinFleet(lab, 'web-2', '198.51.100.8')];
  // Authorities are told apart by when they were made.
  clock.advance(SECOND);
  return {
    ...lab,
    hosts,
    rotate: (role, request = {}) => lab.services.authorities.rotate(role, rotateRequest.parse(request), OPERATOR),
    async live(rounds, away = []) {
      for (let round = 0; round < rounds; round += 1) {
        clock.advance(SECOND);
        await lab.rotation.advance();
        await controllerCertificate.fresh();
        await lab.prometheusFolder.refresh();
        for (const host of hosts) if (!away.includes(host.name)) await host.pass();
      }
    },
    async states(role) {
      const { authorities: all } = await lab.services.authorities.list();
      const names = all.filter((one) => one.role === role).map(({ state }, n) => [state, 'abcdef'[n]]);
      return names.flatMap(([state, name]) => (state === 'gone' ? [] : [`${name} ${state}`])).join(', ');
    },
  };
}

/** The clock agrees with itself for an hour. */
export async function agree({ clock, rotation }: Lab) {
  for (let quarter = 0; quarter < 5; quarter += 1) {
    await rotation.advance();
    clock.advance(900_000);
  }
  await rotation.advance();
}
