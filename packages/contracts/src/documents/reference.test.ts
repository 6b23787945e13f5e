import { readFile } from 'node:fs/promises';
import { documentKinds } from '@will/core';
import { expect, test } from 'vitest';
import { documentReference } from './reference.ts';
import { fieldsOf } from './schemas.ts';

const page = new URL('../../../../docs/reference/documents.md', import.meta.url);

test('the reference of documents is what the schema says; `vitest run -u` writes it anew', async () => {
  await expect(documentReference()).toMatchFileSnapshot(page.pathname);
});

test('the reference lists every field of every kind, with its meaning', async () => {
  const text = await readFile(page, 'utf8');
  let fields = 0;
  for (const kind of documentKinds) {
    const section = text.split(`\n## ${kind}\n`)[1]?.split('\n## ')[0] ?? '';
    for (const { field, meaning } of fieldsOf(kind)) {
      fields += 1;
      expect(`${kind} ${field}: ${meaning.length > 3}`).toBe(`${kind} ${field}: true`);
      if (!/^fallback_\d+$/.test(field)) expect(section).toContain(`| \`${field}\``);
    }
  }
  expect(fields).toBeGreaterThan(100);
});
