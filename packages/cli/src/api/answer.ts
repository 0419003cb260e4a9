import { ERROR_KINDS, TorchpassError, type ErrorCode } from '@torchpass/core';
import type { Problem } from '@torchpass/controller/api';

export interface Answer {
  status: number;
  contentType: string;
  text: string;
}

const PROBLEM_TYPE = 'application/problem+json';

/** The content of a good answer; a problem document (RFC 9457) becomes the error that the controller meant. */
export function readAnswer({ status, contentType, text }: Answer, socketPath: string): unknown {
  const content = parse(text);
  if (status >= 200 && status < 300 && content !== undefined) return content;
  if (status >= 400 && contentType.startsWith(PROBLEM_TYPE) && isProblem(content)) {
    const { code, detail, hint } = content;
    const known = isErrorCode(code);
    throw new TorchpassError(
      known ? code : 'PROTOCOL_VIOLATION',
      known ? detail : `${detail} (${code})`,
      hint === undefined ? {} : { hint },
    );
  }
  throw new TorchpassError('PROTOCOL_VIOLATION', `What listens at ${socketPath} answered unexpectedly (${status}).`, {
    hint: 'Is it the socket of a Torchpass controller, and of a version that fits this program?',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(content: unknown): content is Pick<Problem, 'code' | 'detail' | 'hint'> {
  if (typeof content !== 'object' || content === null || !('code' in content) || !('detail' in content)) return false;
  const { code, detail } = content;
  const hint = 'hint' in content ? content.hint : undefined;
  return typeof code === 'string' && typeof detail === 'string' && (hint === undefined || typeof hint === 'string');
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_KINDS, code);
}
