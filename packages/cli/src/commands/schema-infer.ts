import type { Register } from '../command';
export const registerSchemaInfer: Register = () => undefined;
