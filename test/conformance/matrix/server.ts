// The rows of gen_server(3).

import type { Section } from './row.ts'

const requests =
  'A call is a promise: `self.call` without `await` is the request, `timeoutMs` the limit, an array of promises the collection.'
const nodes = 'No call or cast goes to a name on several nodes at once; process groups broadcast, on their own node.'
const oneLoop = 'A process is what it was started as: what it needs before, it does in `init`.'

export const serverSection: Section = {
  title: 'gen_server',
  manual: 'gen_server(3)',
  kind: 'server',
  groups: [
    {
      title: 'Start functions',
      rows: [
        {
          otp: '`start_link/3,4`: `{ok, Pid}` once init has returned',
          ours: '`self.startLink`, `self.tryStartLink`',
          scenarios: ['call_cast_info'],
          has: ['["result","ok"]'],
          tests: ['kernel/start: is over when init is'],
        },
        {
          otp: '`start/3,4`: unlinked',
          ours: '`self.start`, `node.start`, `node.tryStart`',
          tests: ['kernel/start: is over when init is'],
        },
        {
          otp: '`start_monitor/3,4`',
          ours: '—',
          differs:
            '`start`, then `monitor`: the process is known before it can end unseen, for a late monitor fires at once.',
        },
        {
          otp: '`ServerName`: `{local, Name}`',
          ours: '`{ name }`',
          tests: ['kernel/names: belongs to a process until it ends, and is free then'],
        },
        {
          otp: '`{global, Name}`, `{via, Module, Name}`',
          ours: '—',
          differs:
            'Names are of one node. `Registry` finds the processes of a node by any key, several under one if asked to.',
        },
        {
          otp: '`{error, {already_started, Pid}}`',
          ours: '`{ error: { already_started } }`',
          tests: ['kernel/start: under a name that is taken answers who has it'],
        },
        {
          otp: '`ignore`',
          ours: "`'ignore'`",
          scenarios: ['init_ignore', 'x_init_ignore'],
          has: ['["result","ignore"]'],
        },
        {
          otp: '`{error, Reason}`: init stops or fails',
          ours: '`{ error }`; `start` and `startLink` reject with ExitError',
          scenarios: ['init_stop', 'init_crash', 'x_init_exit', 'x_init_stop_kinds'],
          has: ['{"t":["error",', '"not_started"'],
        },
        {
          otp: '`{timeout, Timeout}`: `{error, timeout}`',
          ours: '`{ timeoutMs }`',
          tests: ['kernel/start: that takes too long is given up, and its process killed'],
        },
        {
          otp: '`{debug, Dbgs}`',
          ours: '—',
          differs: 'Ask with `sys` once it is started; nothing of a start but `init` goes unseen.',
        },
        {
          otp: '`{hibernate_after, Timeout}`',
          ours: '—',
          differs: 'There is no heap of a process to shrink.',
        },
        {
          otp: '`{spawn_opt, Options}`',
          ours: '`priority`, `label`, `mailbox`',
          tests: ['kernel/scheduler: ready processes of high priority run first, low ones last'],
          differs: 'The others tune a heap; there is none.',
        },
        { otp: '`enter_loop/3,4,5`', ours: '—', differs: oneLoop },
      ],
    },
    {
      title: 'Module:init/1',
      rows: [
        {
          otp: '`{ok, State}`',
          ours: 'the state itself, or `next(state)`',
          scenarios: ['call_cast_info'],
          has: ['["result","ok"]'],
        },
        {
          otp: '`{ok, State, Timeout}`',
          ours: '`next(state, { timeoutMs })`',
          scenarios: ['x_init_timeout_zero', 'next_options_everywhere', 'stop_in_timeout'],
          has: ['["cb","info","timeout",'],
        },
        {
          otp: '`{ok, State, hibernate}`',
          ours: "`next(state, 'hibernate')`",
          scenarios: ['init_hibernate'],
          has: ['"init":{"next":"hibernate"}'],
        },
        {
          otp: '`{ok, State, {continue, Continue}}`: before any message',
          ours: '`next(state, { continue })`',
          scenarios: ['init_continue', 'continue_crash_init', 'x_continue_everywhere'],
          has: ['"continue"'],
        },
        {
          otp: '`{stop, Reason}`',
          ours: '`stop(reason)`',
          scenarios: ['init_stop', 'x_init_stop_kinds'],
          has: ['"result":"stop"'],
        },
        { otp: '`ignore`', ours: '`ignore()`', scenarios: ['init_ignore'], has: ['"result":"ignore"'] },
        {
          otp: 'it raises an error or exits',
          ours: 'it throws, or `self.exit(reason)`',
          scenarios: ['init_crash', 'x_init_crash', 'x_init_exit'],
          has: ['"not_started"'],
        },
        {
          otp: 'it returns garbage: `{bad_return_value, …}`',
          ours: 'the same, and no type allows it',
          scenarios: ['x_init_bad'],
          has: ['"bad_return_value"'],
        },
      ],
    },
    {
      title: 'Module:handle_call/3',
      rows: [
        {
          otp: '`{reply, Reply, NewState}`',
          ours: '`reply(value, state)`',
          scenarios: ['call_cast_info', 'multi_callers'],
          has: ['"result":"reply"', '["reply",1,'],
        },
        {
          otp: '`{reply, _, _, Timeout}`, `hibernate`, `{continue, _}`',
          ours: '`reply(value, state, option)`',
          scenarios: ['next_options_everywhere'],
          has: ['"result":"reply"', '"next":"hibernate"', '"next":{"continue"', '"next":20'],
        },
        {
          otp: '`{noreply, NewState}`: answered later',
          ours: '`noReply(state)`, then `self.reply(from, value)`',
          scenarios: ['later_reply', 'reply_and_return'],
          has: ['"save":'],
        },
        {
          otp: '`{noreply, _, Timeout}`, `hibernate`, `{continue, _}`',
          ours: '`noReply(state, option)`',
          scenarios: ['next_options_everywhere'],
          has: ['"result":"noreply"', '"next":"hibernate"', '"next":{"continue"'],
        },
        {
          otp: '`{stop, Reason, Reply, NewState}`',
          ours: '`stopReply(reason, value, state)`',
          scenarios: ['stop_reply', 'x_stop_reply_queued'],
          has: ['"result":"stop_reply"'],
        },
        {
          otp: '`{stop, Reason, NewState}`',
          ours: '`stop(reason, state)`',
          scenarios: ['stop_noreply', 'stop_from_every_callback'],
          has: ['"call_exit"'],
        },
        {
          otp: 'garbage: `{bad_return_value, …}`',
          ours: 'the same, and no type allows it',
          scenarios: ['bad_return', 'x_replies_bad'],
          has: ['"bad_return_value"'],
        },
        {
          otp: 'it raises an error: `{Reason, Stack}`',
          ours: '`{ error, stack }`',
          scenarios: ['crash_call', 'x_replies_crash'],
          has: ['"<stack>"'],
        },
        { otp: 'it exits', ours: '`self.exit(reason)`', scenarios: ['x_replies_exit'], has: ['"result":"exit"'] },
        {
          otp: '`Timeout`: 0 and up; any message ends it',
          ours: '`{ timeoutMs }`',
          scenarios: ['timeout_basic', 'timeout_zero', 'x_timeout_restarted', 'x_timeout_zero_chain'],
          has: ['"timeout"'],
        },
        {
          otp: '`Timeout`: `infinity`',
          ours: 'no option, or `Infinity`',
          scenarios: ['x_timeout_infinity_replaced'],
        },
      ],
    },
    {
      title: 'Module:handle_cast/2, handle_info/2, handle_continue/2',
      rows: [
        {
          otp: '`handle_cast`: `{noreply, NewState}`, with `Timeout`, `hibernate`, `{continue, _}`',
          ours: '`cast: { tag }`: the state, or `next(state, option)`',
          scenarios: ['next_options_everywhere', 'call_cast_info'],
          has: ['["cb","cast",'],
        },
        {
          otp: '`handle_info`: messages and `timeout`, the same results',
          ours: '`info`',
          scenarios: ['next_options_everywhere', 'x_hibernate_message'],
          has: ['["cb","info",'],
        },
        {
          otp: '`handle_continue`: right after what asked for it, the same results',
          ours: '`continue`',
          scenarios: ['x_continue_everywhere', 'call_continue', 'next_options_everywhere'],
          has: ['["cb","continue",'],
        },
        {
          otp: '`{stop, Reason, NewState}` from each of them',
          ours: '`stop(reason, state)`',
          scenarios: ['stop_cast', 'stop_in_continue', 'stop_in_timeout'],
          has: ['"result":"stop"', '["terminate",'],
        },
        {
          otp: '`handle_continue` fails',
          ours: 'the same',
          scenarios: ['x_continue_crash', 'continue_crash_init'],
          has: ['"<stack>"'],
        },
        {
          otp: 'without `handle_info` a message is logged and dropped',
          ours: 'a dead letter: counted, and reported',
          tests: ['kernel/names: are plain messages to a server that has no handler for them'],
        },
      ],
    },
    {
      title: 'Module:terminate/2',
      rows: [
        {
          otp: 'called when a callback stops, with its reason',
          ours: '`terminate`',
          scenarios: ['stop_cast', 'stop_reply', 'stop_noreply'],
          has: ['["terminate",'],
        },
        {
          otp: 'called when a callback fails, with the error',
          ours: 'the same',
          scenarios: ['crash_call', 'bad_return'],
          has: ['["terminate",'],
        },
        {
          otp: 'trapping exits: called when the parent ends it, with the parent’s reason',
          ours: 'the same',
          scenarios: ['exit_parent', 'x_parent_exit_kinds', 'parent_shutdown'],
          has: ['"trap_exit":true', '["terminate",'],
        },
        {
          otp: 'otherwise the process ends at once',
          ours: 'the same',
          scenarios: ['exit_no_trap'],
          has: ['"op":"exit"', '["down",'],
        },
        {
          otp: 'optional; its value is ignored',
          ours: 'the same',
          tests: ['behaviours/server: a server that fails ends, and its callers fail with its exit reason'],
        },
        {
          otp: 'an error report for reasons but `normal`, `shutdown`, `{shutdown, Term}`',
          ours: 'a report of kind `crash`',
          tests: ['kernel/crash: an orderly exit is none'],
        },
      ],
    },
    {
      title: 'call/2,3 and cast/2',
      rows: [
        {
          otp: '`call/2,3`: the reply',
          ours: '`self.call`, `ref.call`',
          scenarios: ['call_cast_info'],
          has: ['["reply",1,'],
        },
        {
          otp: '`Timeout`, default 5000, `infinity`',
          ours: '`{ timeoutMs }`, default 5000, `Infinity`',
          scenarios: ['call_timeout'],
          has: ['"timeout":'],
          tests: ['kernel/start: a call without an answer in time says how long it waited'],
        },
        {
          otp: 'exit `timeout`; a late reply is dropped',
          ours: 'rejects, reason `timeout`',
          scenarios: ['call_timeout', 'x_late_reply'],
          has: ['["call_exit",1,"timeout"]'],
        },
        {
          otp: 'exit `noproc`',
          ours: 'rejects, reason `noproc`',
          scenarios: ['call_dead', 'x_stop_reply_queued'],
          has: ['"noproc"]'],
        },
        {
          otp: 'exit `calling_self`',
          ours: 'rejects, reason `calling_self`',
          tests: ['kernel/start: a process that calls itself is told so'],
        },
        {
          otp: 'exit `shutdown`, `normal`, `{shutdown, Term}` or another reason: the server has ended meanwhile',
          ours: 'rejects with its reason',
          scenarios: ['stop_noreply', 'stop_from_every_callback', 'crash_call'],
          has: ['"call_exit"'],
        },
        {
          otp: 'the exit term is `{Reason, Location}`',
          ours: '`ExitError`: `reason`, and a message that names whom was asked what',
          tests: ['kernel/start: a crash carries its cause, and says what was asked of whom'],
        },
        {
          otp: 'exit `{nodedown, Node}`',
          ours: 'rejects, reason `noconnection`',
          differs: 'One reason for all that a lost node does: that of links and monitors.',
        },
        {
          otp: '`cast/2`: `ok`, whether or not the server exists',
          ours: '`self.cast`, `ref.cast`: true',
          scenarios: ['call_dead', 'call_cast_info'],
          has: ['"op":"cast"'],
          differs: 'False if a bounded mailbox refuses.',
        },
        {
          otp: '`reply/2`',
          ours: '`self.reply(from, value)`',
          scenarios: ['later_reply', 'x_key_twice', 'x_replies_stop'],
          has: ['"replies":'],
        },
        { otp: '`abcast/2,3`, `multi_call/2,3,4`', ours: '—', differs: nodes },
        {
          otp: '`ServerRef`: a local name',
          ours: '`self.whereis(definition, name)`',
          tests: ['kernel/names: finds a server with its protocol'],
        },
        { otp: '`{Name, Node}`, `{global, …}`, `{via, …}`', ours: '—', differs: 'A server is a `Ref` or a pid.' },
      ],
    },
    {
      title: 'Requests',
      rows: [
        {
          otp: '`send_request/2`, `receive_response/1,2`, `wait_response/1,2`',
          ours: '`self.call`',
          differs: requests,
        },
        {
          otp: '`{error, {Reason, ServerRef}}`',
          ours: 'rejects, `reason`',
          scenarios: ['stop_noreply'],
          has: ['"call_exit"'],
        },
        { otp: '`check_response/2`', ours: '—', differs: 'No reply is a message: it settles its promise.' },
        {
          otp: '`send_request/4`, `reqids_new/0`, `reqids_add/3`, `reqids_size/1`, `reqids_to_list/1`',
          ours: '—',
          differs: requests,
        },
        {
          otp: '`receive_response/3`, `wait_response/3`, `check_response/3`',
          ours: '`Promise.all`, `Promise.race`',
          differs: requests,
        },
        {
          otp: '`{abs, Timeout}`',
          ours: '—',
          differs: 'Subtract `self.now()`.',
        },
      ],
    },
    {
      title: 'stop/1,3',
      rows: [
        {
          otp: '`ok` once the server has ended; default reason `normal`',
          ours: '`ref.stop(reason)`',
          scenarios: ['x_stop_step', 'x_stop_default'],
          has: ['["result","ok"]'],
        },
        {
          otp: 'exit with the reason, if it ends for another',
          ours: 'rejects with the true reason',
          tests: ['kernel/start: rejects with the true reason if the process ended for another'],
        },
        {
          otp: 'exit `noproc`',
          ours: 'rejects, reason `noproc`',
          scenarios: ['call_dead', 'stop_in_timeout'],
          has: ['["raised","noproc"]'],
        },
        {
          otp: '`Timeout`: exit `timeout`',
          ours: '`{ timeoutMs }`',
          tests: ['kernel/stop: a stop that takes too long rejects with timeout, and the process goes on ending'],
        },
      ],
    },
    {
      title: 'Code change and status',
      rows: [
        {
          otp: '`code_change/3`',
          ours: '—',
          differs: 'Code is not replaced in a running process: a new version is a new start.',
        },
        {
          otp: '`format_status/1`, `format_status/2`',
          ours: '—',
          differs: '`sys.getStatus` shows the state as it is, and reports do not show it.',
        },
      ],
    },
  ],
}
