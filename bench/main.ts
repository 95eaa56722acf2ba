// The bench command: `npm run -s bench -- ROOM... [--json]`.
process.stderr.write('no bench rows yet\n')
process.exitCode = 1
