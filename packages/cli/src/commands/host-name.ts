import { checkName } from '@torchpass/core';

export const hostName = (text: string): string => checkName('host', text);
