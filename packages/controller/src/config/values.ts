import { parseDuration } from '@torchpass/core';
import { z } from 'zod';

/** What values of the configuration are made of. */

export const MINUTE = 60_000;
export const YEAR = 366 * 24 * 60 * MINUTE;

/** A text that `read` makes a value of; what it throws becomes `message`. */
export const refined = <T>(read: (text: string) => T, message: string) =>
  z.string().transform((text, context) => {
    try {
      return read(text);
    } catch {
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${message}` });
      return z.NEVER;
    }
  });

export const check = (holds: (text: string) => boolean, message: string) =>
  refined((text) => {
    if (!holds(text)) throw new TypeError(message);
    return text;
  }, message);

/** Bounds in milliseconds. */
export const duration = (shortest: number, longest: number) =>
  refined(parseDuration, 'is not a duration such as 30s, 1h30m or 7d')
    .refine((value) => value >= shortest, `is shorter than ${shortest / 1000} s`)
    .refine((value) => value <= longest, `is longer than ${longest / 1000} s`);
