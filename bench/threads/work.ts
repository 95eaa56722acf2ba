// Work for a pool: a loop of a known length.

export function spin(turns: number): number {
  let done = 0
  for (let i = 0; i < turns; i++) done += Math.sqrt(i) >= 0 ? 1 : 0
  return done
}
