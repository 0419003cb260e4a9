import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TorchpassError } from '../errors/error.ts';
import { createLogger, LOG_FORMATS, type LogFormat, type Logger, silentLogger } from './logging.ts';

function written(format: LogFormat, speak: (logger: Logger) => void, level: 'debug' | 'warn' = 'debug'): string[] {
  const lines: string[] = [];
  speak(createLogger({ level, format, write: (line) => lines.push(line) }));
  return lines;
}

/** Reads logfmt as a strict collector would: pairs separated by one space, values bare or JSON strings. */
function parseLogfmt(line: string): [string, string][] {
  const pair = /([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"=]*)( |\n$)/y;
  const pairs: [string, string][] = [];
  while (pair.lastIndex < line.length) {
    const match = pair.exec(line);
    if (match === null) throw new Error(`not logfmt: ${JSON.stringify(line)}`);
    const [, key = '', value = ''] = match;
    pairs.push([key, value.startsWith('"') ? String(JSON.parse(value)) : value]);
  }
  return pairs;
}

const HOSTILE = [
  'a\nts=2030-01-01T00:00:00Z level=error msg=forged',
  'a\r\nb',
  'a" level=error msg="forged',
  'a\\" level=error',
  '\u001B[2J\u001B]0;title\u0007',
  '\u009B2J \u0085 \u2028 \u2029',
  'user\u202Etxt.exe\u2066',
  '\uD800 lone',
  '\u{E0041}tag',
  '=',
  ' ',
  '',
  '\\',
  '\0',
];

/** Nothing that a terminal obeys, that ends a line, or that is not seen, except the one line end. */
const ONE_VISIBLE_LINE = /^[^\p{C}\p{Zl}\p{Zp}]+\n$/u;

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE));

it.each(LOG_FORMATS)('%s: no key, value or message makes a second line or speaks in place of the program', (format) => {
  fc.assert(
    fc.property(anyText, fc.dictionary(anyText, fc.oneof(anyText, fc.jsonValue())), anyText, (bound, fields, text) => {
      const [line = '', ...more] = written(format, (logger) =>
        logger.with({ bound }).info('said', { text, ...fields }),
      );
      expect(more).toEqual([]);
      expect(line).toMatch(ONE_VISIBLE_LINE);
      const pairs = format === 'json' ? Object.entries(JSON.parse(line) as object) : parseLogfmt(line);
      for (const [key, expected] of [
        ['level', 'info'],
        ['msg', 'said'],
      ]) {
        expect(pairs.filter(([name]) => name === key)).toEqual([[key, expected]]);
      }
    }),
  );
});

it.each(LOG_FORMATS)('%s: a hostile value is read back as it was', (format) => {
  for (const text of HOSTILE) {
    const [line = ''] = written(format, (logger) => logger.info('said', { text }));
    const pairs = format === 'json' ? Object.entries(JSON.parse(line) as object) : parseLogfmt(line);
    expect(Object.fromEntries(pairs)).toMatchObject({ text });
  }
});

it.each(LOG_FORMATS)("%s: a field cannot take the time's, level's or message's place", (format) => {
  const [line = ''] = written(format, (logger) =>
    logger.with({ level: 'error', ts: 'never' }).info('true', { msg: 'forged', level: 'error', ts: 'never' }),
  );
  expect(line).not.toMatch(/[ {,]"?(?:level"?[=:]"?error|ts"?[=:]"?never|msg"?[=:]"?forged)/);
  expect(line).toMatch(/field_msg"?[=:]"?forged/);
});

it.each(LOG_FORMATS)('%s: what cannot be written does not throw', (format) => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const broken = {
    toJSON() {
      throw new Error('no');
    },
  };
  const values = { circular, broken, big: 12n, nan: Number.NaN, symbol: Symbol('s'), none: undefined, call: () => 1 };
  const lines = written(format, (logger) => logger.info('said', values));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(ONE_VISIBLE_LINE);
});

describe('an entry', () => {
  it('is logfmt as Prometheus writes it', () => {
    const [line] = written('logfmt', (logger) =>
      logger.with({ host: 'web-1' }).warn('target refused', { port: 9100, why: 'no answer', list: ['a'], empty: '' }),
    );
    expect(line).toMatch(
      /^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warn msg="target refused" host=web-1 port=9100 why="no answer" list="\[\\"a\\"\]" empty=""\n$/,
    );
  });

  it('is one JSON object', () => {
    const [line = ''] = written('json', (logger) => logger.error('it failed', { n: 1, deep: { a: [true] } }));
    expect(JSON.parse(line)).toEqual({
      ts: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'error',
      msg: 'it failed',
      n: 1,
      deep: { a: [true] },
    });
  });

  it('has no format directives', () => {
    const [line] = written('logfmt', (logger) => logger.info('100 %s %o %j', { a: 1 }));
    expect(line).toContain('msg="100 %s %o %j" a=1');
  });
});

it('says nothing below its level', () => {
  const speak = (logger: Logger) => {
    logger.debug('no');
    logger.info('no');
    logger.with({ a: 1 }).info('no');
    logger.warn('yes');
    logger.error('yes');
  };
  expect(written('logfmt', speak, 'warn')).toHaveLength(2);
  speak(silentLogger);
});

describe('an error in a log', () => {
  const logged = (error: unknown) => {
    const [line = ''] = written('json', (logger) => logger.error('it failed', { error }));
    return String((JSON.parse(line) as { error: unknown }).error);
  };

  it('is its code and message and those of its causes, without stacks of what we know', () => {
    const system = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    const error = new TorchpassError('FILE_UNWRITABLE', 'Cannot write /x.', { cause: system });
    expect(logged(error)).toBe('FILE_UNWRITABLE: Cannot write /x. <- ENOSPC: ENOSPC: no space left');
  });

  it('has the stack of what we do not know', () => {
    expect(logged(new TypeError('x is not a function'))).toMatch(/^TypeError: x is not a function\n\s+at /);
  });

  it('ends although its causes go in a circle', () => {
    const error = new Error('round');
    error.cause = error;
    expect(logged(error).match(/Error: round/g)).toHaveLength(5);
  });

  it('may be no error at all', () => {
    expect(logged('text')).toBe('text');
  });
});
