export * from './fakes';
export * from './ingest-factories';
export * from './memory-objects';
export * from './interruption';
export * from './memory-delete';
export * from './memory-documents';
export * from './memory-warehouse';
export * from './schema-factories';
