export * from './avro';
export * from './dbt';
export * from './json-schema';
export * from './odcs';
export type { ExportSource } from './source';
export * from './typescript';
