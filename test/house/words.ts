// The project's words: nothing in it knows the machine it was written on, nor where its packages came from.
import type { Complaint, Sources } from './sources.ts'

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.:/-])\/(work|root|home|Users)\//, 'a path of one machine'],
  [/\b[A-Z]:\\{1,2}(Users|work|home)\b/i, 'a path of one machine'],
  [/\.\.\/shared\b/, 'a path outside the repository'],
  [/\bregistry\.[\w-]+\.[a-z]{2,}/i, 'a registry’s host'],
  [
    /\b(registry|npm|mirrors?|artifactory|nexus|verdaccio)[\w.-]*\.(com|dev|io|internal|local|lan)\b/i,
    'a registry’s host',
  ],
  [/"resolved":\s*"https?:/, 'a registry’s host'],
  [/\b(deb|archive|security)\.(debian|ubuntu)\.(org|com)\b/i, 'a registry’s host'],
]

/** Complaints about paths of a machine and hosts of registries, in any kind of text. */
export function checkWords(sources: Sources): Complaint[] {
  const complaints: Complaint[] = []
  for (const [path, text] of sources) {
    if (!forbidden.some(([pattern]) => pattern.test(text))) continue
    for (const [at, line] of text.split('\n').entries()) {
      for (const [pattern, what] of forbidden) {
        const found = pattern.exec(line)
        if (found) complaints.push(`${path}:${at + 1}: ${what}: ${found[0]}`)
      }
    }
  }
  return complaints
}
