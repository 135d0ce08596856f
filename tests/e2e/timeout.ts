import { jest } from '@jest/globals';

// A cycle starts Spark jobs: seconds, not milliseconds.
jest.setTimeout(180_000);
