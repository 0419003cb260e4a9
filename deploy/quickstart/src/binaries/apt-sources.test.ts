import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archivesOf } from './archives.ts';
import { parseLines, parseStanzas, readAptSources } from './apt-sources.ts';
import { scratchFolder } from './testing/scratch.ts';

describe("apt's sources", () => {
  it('reads deb822 stanzas with comments, several values and an inline key', () => {
    const text = [
      '# by the installer',
      'Types: deb deb-src',
      'URIs: http://mirror.example/debian',
      '# a comment inside',
      'Suites: bookworm bookworm-updates',
      'Components: main contrib',
      'Signed-By:',
      ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
      ' .',
      ' AAAA',
      '',
      'Enabled: no',
      'Types: deb',
      'URIs: http://off.example/debian',
      'Suites: bookworm',
      'Components: main',
      '',
      'Types: deb-src',
      'URIs: http://source.example/debian',
      'Suites: bookworm',
      'Components: main',
    ].join('\n');
    expect(parseStanzas(text)).toEqual([
      {
        uris: ['http://mirror.example/debian'],
        suites: ['bookworm', 'bookworm-updates'],
        components: ['main', 'contrib'],
        trust: { 'Signed-By': '\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n AAAA' },
      },
    ]);
  });

  it('reads one-line entries with options and trailing comments, and leaves discs and sources out', () => {
    const text = [
      'deb http://mirror.example/debian/ trixie main non-free # the mirror',
      '# deb http://off.example/debian trixie main',
      'deb-src http://mirror.example/debian/ trixie main',
      'deb cdrom:[Debian]/ trixie main',
      '  deb [ arch=amd64 signed-by=/k/a.gpg ] https://other.example trixie stable',
    ].join('\n');
    const [mirror, disc, other, ...rest] = parseLines(text);
    expect(mirror).toEqual({
      uris: ['http://mirror.example/debian/'],
      suites: ['trixie'],
      components: ['main', 'non-free'],
      trust: {},
    });
    expect(disc?.uris).toEqual([]);
    expect(other).toMatchObject({ uris: ['https://other.example'], trust: { 'Signed-By': '/k/a.gpg' } });
    expect(rest).toEqual([]);
  });

  it('reads the main file and the parts, of either format, and nothing with another ending', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'sources.list.d'));
    writeFileSync(join(folder, 'sources.list'), 'deb http://a.example/debian sid main\n');
    writeFileSync(join(folder, 'sources.list.d/b.list'), 'deb http://b.example/debian sid main\n');
    writeFileSync(
      join(folder, 'sources.list.d/c.sources'),
      'Types: deb\nURIs: http://c.example/\nSuites: sid\nComponents: main\n',
    );
    writeFileSync(join(folder, 'sources.list.d/d.list.disabled'), 'deb http://d.example/debian sid main\n');
    expect((await readAptSources(folder)).flatMap(({ uris }) => uris)).toEqual([
      'http://a.example/debian',
      'http://b.example/debian',
      'http://c.example/',
    ]);
    expect(await readAptSources(join(folder, 'absent'))).toEqual([]);
  });
});

describe('the archive for a suite', () => {
  const vendor = 'deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example bookworm main';
  const debian = 'deb http://mirror.example/debian bookworm main';
  const updates = 'deb http://mirror.example/debian bookworm-updates main';

  it("is the distribution's before a vendor's that borrows its names", () => {
    const archives = archivesOf('sid', parseLines([vendor, debian, updates].join('\n')));
    expect(archives.map(({ uri }) => uri)).toEqual(['http://mirror.example/debian', 'https://vendor.example']);
  });

  it('is known by its keyring where updates are switched off', () => {
    const signed =
      'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian bookworm main';
    expect(archivesOf('trixie', parseLines(`${vendor}\n${signed}`))[0]?.uri).toBe('http://mirror.example/debian');
  });

  it("of another distribution is only that release's own", () => {
    const ubuntu = parseLines('deb http://mirror.example/ubuntu noble main restricted universe');
    expect(archivesOf('noble', ubuntu)).toMatchObject([{ components: ['main', 'universe'] }]);
    expect(archivesOf('bookworm', ubuntu)).toEqual([]);
  });

  it('is not a security archive', () => {
    expect(archivesOf('bookworm', parseLines('deb http://s.example/debian-security bookworm-security main'))).toEqual(
      [],
    );
  });
});
