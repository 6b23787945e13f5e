import { writeFile } from 'node:fs/promises';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

/** What a run of vitest came to. */
export interface TestCounts {
  readonly files: number;
  readonly passed: number;
  readonly failed: number;
  /** Each skipped test with its reason. */
  readonly skipped: readonly string[];
}

/** A vitest reporter that writes the run's counts as JSON into the file named by `WILL_TEST_COUNTS`; silent without it. */
export default class CountsReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Promise<void> {
    const file = process.env['WILL_TEST_COUNTS'];
    if (file) await writeFile(file, JSON.stringify(countTests(modules, unhandled.length)));
  }
}

/** A file that could not be loaded, and an error nobody caught, count as one failure each. */
function countTests(modules: readonly TestModule[], unhandledErrors: number): TestCounts {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const inState = (state: string): TestCase[] => tests.filter((test) => test.result().state === state);
  const brokenFiles = modules.filter((module) => module.errors().length > 0).length;
  const brokenSuites = modules
    .flatMap((module) => [...module.children.allSuites()])
    .filter((suite) => suite.errors().length > 0).length;
  return {
    files: modules.length,
    passed: inState('passed').length,
    // A test that never came to an end has not passed.
    failed: inState('failed').length + inState('pending').length + brokenFiles + brokenSuites + unhandledErrors,
    skipped: inState('skipped').map((test) => `${test.fullName}: ${skipReason(test)}`),
  };
}

function skipReason(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return note ?? 'its test gives no reason';
}
