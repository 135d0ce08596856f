import { jest } from '@jest/globals';

// A cycle starts Spark jobs, and a test may wait for the end of a cycle that others began: minutes, not milliseconds.
jest.setTimeout(300_000);
