%% JSON, as far as scenarios need it: objects, arrays, strings, integers, booleans.
%% Objects become maps with binary keys, strings become binaries. Anything else (null, floats)
%% is refused: the format has neither. (OTP 25 has no json module.)
-module(oracle_json).
-export([decode/1, string/1, array/1]).

decode(Bin) ->
    {Value, Rest} = value(space(Bin)),
    <<>> = space(Rest),
    Value.

%% An encoded string / array of encoded items, as binaries.
string(Bin) -> <<$", (<<<<(escape(C))/binary>> || <<C>> <= Bin>>)/binary, $">>.

array(Items) -> iolist_to_binary([$[, lists:join($,, Items), $]]).

escape($") -> <<"\\\"">>;
escape($\\) -> <<"\\\\">>;
escape(C) when C < 32 -> list_to_binary(io_lib:format("\\u~4.16.0b", [C]));
escape(C) -> <<C>>.

space(<<C, Rest/binary>>) when C =:= $\s; C =:= $\n; C =:= $\r; C =:= $\t -> space(Rest);
space(Bin) -> Bin.

value(<<"true", Rest/binary>>) -> {true, Rest};
value(<<"false", Rest/binary>>) -> {false, Rest};
value(<<$", Rest/binary>>) -> string(Rest, <<>>);
value(<<$[, Rest/binary>>) -> items(space(Rest), []);
value(<<${, Rest/binary>>) -> members(space(Rest), #{});
value(<<$-, Rest/binary>>) ->
    {N, Rest1} = integer(Rest, 0),
    {-N, Rest1};
value(<<C, _/binary>> = Bin) when C >= $0, C =< $9 -> integer(Bin, 0).

integer(<<C, Rest/binary>>, N) when C >= $0, C =< $9 -> integer(Rest, N * 10 + C - $0);
integer(Rest, N) -> {N, Rest}.

string(<<$", Rest/binary>>, Acc) -> {Acc, Rest};
string(<<"\\u", Hex:4/binary, Rest/binary>>, Acc) ->
    string(Rest, <<Acc/binary, (binary_to_integer(Hex, 16))/utf8>>);
string(<<$\\, C, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, (unescape(C))>>);
string(<<C, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, C>>).

unescape($n) -> $\n;
unescape($r) -> $\r;
unescape($t) -> $\t;
unescape($b) -> $\b;
unescape($f) -> $\f;
unescape(C) -> C.

items(<<$], Rest/binary>>, Acc) ->
    {lists:reverse(Acc), Rest};
items(<<$,, Rest/binary>>, Acc) ->
    items(space(Rest), Acc);
items(Bin, Acc) ->
    {Item, Rest} = value(Bin),
    items(space(Rest), [Item | Acc]).

members(<<$}, Rest/binary>>, Acc) ->
    {Acc, Rest};
members(<<$,, Rest/binary>>, Acc) ->
    members(space(Rest), Acc);
members(<<$", Rest/binary>>, Acc) ->
    {Key, Rest1} = string(Rest, <<>>),
    <<$:, Rest2/binary>> = space(Rest1),
    {Value, Rest3} = value(space(Rest2)),
    members(space(Rest3), Acc#{Key => Value}).
