#include <config.h>

#include "rpc/cli_params.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Parameters that are no plain strings, by method: the position, how it is
 * read, its names. ":" as JSON; "?" as JSON, or a string if it is none; "=" a
 * string, which may hold an equals sign. What is not named is a string, and
 * beside one that is marked by "=" the others are too. */
static const struct row {
    const char *method, *params;
} rows[] = {
    { "addconnection", "2:v2transport" },
    { "addnode", "2:v2transport" },
    { "addpeeraddress", "1:port 2:tried" },
    { "analyzepsbt", "0=psbt" },
    { "backupwallet", "0=destination" },
    { "bumpfee", "1:options,conf_target,fee_rate,replaceable,outputs,"
                 "original_change_index" },
    { "combinepsbt", "0:txs" },
    { "combinerawtransaction", "0:txs" },
    { "converttopsbt", "1:permitsigdata 2:iswitness" },
    { "createmultisig", "0:nrequired 1:keys" },
    { "createpsbt", "0:inputs 1:outputs 2:locktime 3:replaceable 4:version" },
    { "createrawtransaction",
      "0:inputs 1:outputs 2:locktime 3:replaceable 4:version" },
    { "createwallet",
      "0=wallet_name 1:disable_private_keys 2:blank 3=passphrase"
      " 4:avoid_reuse 5:descriptors 6:load_on_startup"
      " 7:external_signer" },
    { "createwalletdescriptor", "1:options,internal" },
    { "decodepsbt", "0=psbt" },
    { "decoderawtransaction", "1:iswitness" },
    { "deriveaddresses", "1:range" },
    { "descriptorprocesspsbt",
      "0=psbt 1:descriptors 2=sighashtype 3:bip32derivs"
      " 4:finalize" },
    { "disconnectnode", "1:nodeid" },
    { "dumptxoutset", "0=path 1=type 2:options 2?rollback" },
    { "echoipc", "0=arg" },
    { "echojson", "0:arg0 1:arg1 2:arg2 3:arg3 4:arg4 5:arg5 6:arg6 7:arg7"
                  " 8:arg8 9:arg9" },
    { "encryptwallet", "0=passphrase" },
    { "estimaterawfee", "0:conf_target 1:threshold" },
    { "estimatesmartfee", "0:conf_target" },
    { "finalizepsbt", "0=psbt 1:extract" },
    { "fundrawtransaction",
      "1:options,add_inputs,include_unsafe,minconf,maxconf,"
      "changePosition,includeWatching,lockUnspents,fee_rate,"
      "feeRate,subtractFeeFromOutputs,input_weights,conf_target,"
      "replaceable,solving_data,max_tx_weight 2:iswitness" },
    { "generateblock", "1:transactions 2:submit" },
    { "generatetoaddress", "0:nblocks 2:maxtries" },
    { "generatetodescriptor", "0:num_blocks 2:maxtries" },
    { "getaddressesbylabel", "0=label" },
    { "getbalance", "1:minconf 2:include_watchonly 3:avoid_reuse" },
    { "getblock", "1:verbosity,verbose" },
    { "getblockfrompeer", "1:peer_id" },
    { "getblockhash", "0:height" },
    { "getblockheader", "1:verbose" },
    { "getblockstats", "0?hash_or_height 1:stats" },
    { "getblocktemplate", "0:template_request" },
    { "getchaintxstats", "0:nblocks" },
    { "getdescriptoractivity",
      "0:blockhashes 1:scanobjects 2:include_mempool" },
    { "gethdkeys", "0:active_only,options,private" },
    { "getmempoolancestors", "1:verbose" },
    { "getmempooldescendants", "1:verbose" },
    { "getnetworkhashps", "0:nblocks 1:height" },
    { "getnewaddress", "0=label 1=address_type" },
    { "getnodeaddresses", "0:count" },
    { "getorphantxs", "0:verbosity" },
    { "getrawmempool", "0:verbose 1:mempool_sequence" },
    { "getrawtransaction", "1:verbosity,verbose" },
    { "getreceivedbyaddress", "1:minconf 2:include_immature_coinbase" },
    { "getreceivedbylabel", "0=label 1:minconf 2:include_immature_coinbase" },
    { "gettransaction", "1:include_watchonly 2:verbose" },
    { "gettxout", "1:n 2:include_mempool" },
    { "gettxoutproof", "0:txids" },
    { "gettxoutsetinfo", "1?hash_or_height 2:use_index" },
    { "gettxspendingprevout",
      "0:outputs 1:options,mempool_only,return_spending_tx" },
    { "importdescriptors", "0:requests" },
    { "importmempool", "0=filepath 1:options,apply_fee_delta_priority,"
                       "use_current_time,apply_unbroadcast_set" },
    { "joinpsbts", "0:txs" },
    { "keypoolrefill", "0:newsize" },
    { "listdescriptors", "0:private" },
    { "listreceivedbyaddress", "0:minconf 1:include_empty 2:include_watchonly"
                               " 4:include_immature_coinbase" },
    { "listreceivedbylabel", "0:minconf 1:include_empty 2:include_watchonly"
                             " 3:include_immature_coinbase" },
    { "listsinceblock", "0=blockhash 1:target_confirmations 2:include_watchonly"
                        " 3:include_removed 4:include_change 5=label" },
    { "listtransactions", "0=label 1:count 2:skip 3:include_watchonly" },
    { "listunspent",
      "0:minconf 1:maxconf 2:addresses 3:include_unsafe"
      " 4:query_options,minimumAmount,maximumAmount,maximumCount,"
      "minimumSumAmount,include_immature_coinbase" },
    { "loadtxoutset", "0=path" },
    { "loadwallet", "0=filename 1:load_on_startup" },
    { "lockunspent", "0:unlock 1:transactions 2:persistent" },
    { "logging", "0:include 1:exclude" },
    { "migratewallet", "0=wallet_name 1=passphrase" },
    { "mockscheduler", "0:delta_time" },
    { "prioritisetransaction", "1:dummy 2:fee_delta" },
    { "pruneblockchain", "0:height" },
    { "psbtbumpfee", "1:options,conf_target,fee_rate,replaceable,outputs,"
                     "original_change_index" },
    { "rescanblockchain", "0:start_height 1:stop_height" },
    { "restorewallet", "0=wallet_name 1=backup_file 2:load_on_startup" },
    { "scanblocks", "1:scanobjects 2:start_height 3:stop_height 5:options,"
                    "filter_false_positives" },
    { "scantxoutset", "1:scanobjects" },
    { "send", "0:outputs 1:conf_target 3:fee_rate 4:options,add_inputs,"
              "include_unsafe,minconf,maxconf,add_to_wallet,"
              "change_position,fee_rate,include_watching,inputs,locktime,"
              "lock_unspents,psbt,subtract_fee_from_outputs,conf_target,"
              "replaceable,solving_data,max_tx_weight 5:version" },
    { "sendall", "0:recipients 1:conf_target 3:fee_rate 4:options,"
                 "add_to_wallet,fee_rate,include_watching,inputs,locktime,"
                 "lock_unspents,psbt,send_max,minconf,maxconf,conf_target,"
                 "replaceable,solving_data,version" },
    { "sendmany", "0=dummy 1:amounts 2:minconf 3=comment 4:subtractfeefrom"
                  " 5:replaceable 6:conf_target 7=estimate_mode 8:fee_rate"
                  " 9:verbose" },
    { "sendmsgtopeer", "0:peer_id" },
    { "sendrawtransaction", "1:maxfeerate 2:maxburnamount" },
    { "sendtoaddress", "0=address 1:amount 2=comment 3=comment_to"
                       " 4:subtractfeefromamount 5:replaceable 6:conf_target"
                       " 7=estimate_mode 8:avoid_reuse 9:fee_rate 10:verbose" },
    { "setban", "2:bantime 3:absolute" },
    { "setlabel", "1=label" },
    { "setmocktime", "0:timestamp" },
    { "setnetworkactive", "0:state" },
    { "setwalletflag", "1:value" },
    { "signmessage", "1=message" },
    { "signmessagewithprivkey", "1=message" },
    { "signrawtransactionwithkey", "1:privkeys 2:prevtxs" },
    { "signrawtransactionwithwallet", "1:prevtxs" },
    { "simulaterawtransaction", "0:rawtxs 1:options,include_watchonly" },
    { "stop", "0:wait" },
    { "submitpackage", "0:package 1:maxfeerate 2:maxburnamount" },
    { "testmempoolaccept", "0:rawtxs 1:maxfeerate" },
    { "unloadwallet", "0=wallet_name 1:load_on_startup" },
    { "utxoupdatepsbt", "0=psbt 1:descriptors" },
    { "verifychain", "0:checklevel 1:nblocks" },
    { "verifymessage", "1=signature 2=message" },
    { "waitforblock", "1:timeout" },
    { "waitforblockheight", "0:height 1:timeout" },
    { "waitfornewblock", "0:timeout" },
    { "walletcreatefundedpsbt",
      "0:inputs 1:outputs 2:locktime 3:options,add_inputs,"
      "include_unsafe,minconf,maxconf,changePosition,"
      "includeWatching,lockUnspents,fee_rate,feeRate,"
      "subtractFeeFromOutputs,conf_target,replaceable,"
      "solving_data,max_tx_weight 4:bip32derivs 5:version" },
    { "walletpassphrase", "0=passphrase 1:timeout" },
    { "walletpassphrasechange", "0=oldpassphrase 1=newpassphrase" },
    { "walletprocesspsbt",
      "0=psbt 1:sign 2=sighashtype 3:bip32derivs 4:finalize" },
};

static int method_against(const void *method, const void *row)
{
    return strcmp(method, ((const struct row *)row)->method);
}

static enum ptd_cli_format format_of(char mark)
{
    return mark == ':'   ? PTD_CLI_JSON
           : mark == '?' ? PTD_CLI_JSON_OR_STRING
                         : PTD_CLI_STRING;
}

/* Whether one of "a,b" is the name. */
static bool has_name(const char *names, const char *name)
{
    size_t len = strlen(name);

    for (;;) {
        size_t n = strcspn(names, ", ");

        if (n == len && memcmp(names, name, n) == 0)
            return true;
        if (names[n] != ',')
            return false;
        names += n + 1;
    }
}

/* The first entry of the position, or of the name if that is given. */
static bool find(const char *method, size_t position, const char *name,
                 enum ptd_cli_format *out)
{
    const struct row *row =
        bsearch(method, rows, PTD_COUNT(rows), sizeof rows[0], method_against);
    const char *at = row != NULL ? row->params : "";

    while (*at != '\0') {
        char *mark;
        unsigned long here = strtoul(at, &mark, 10);

        if (name != NULL ? has_name(mark + 1, name) : here == position) {
            *out = format_of(*mark);
            return true;
        }
        at = mark + strcspn(mark, " ");
        at += *at == ' ';
    }
    return false;
}

bool ptd_cli_param_at(const char *method, size_t position,
                      enum ptd_cli_format *out)
{
    return find(method, position, NULL, out);
}

bool ptd_cli_param_named(const char *method, const char *name,
                         enum ptd_cli_format *out)
{
    return find(method, 0, name, out);
}
