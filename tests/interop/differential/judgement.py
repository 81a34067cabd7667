"""Which differences are none, and which are meant: what MIT's library says, and what ours says better."""

import re

CALLING_ERRORS = 0xFF000000
ERRORS = 0xFFFF0000
CONTINUE_NEEDED = 1
BAD_MECH, BAD_NAME, BAD_BINDINGS, BAD_MIC, NO_CRED, NO_CONTEXT, DEFECTIVE_TOKEN, CREDENTIALS_EXPIRED, FAILURE = (
    number << 16 for number in (1, 2, 4, 6, 7, 8, 9, 11, 13))
BAD_NAMETYPE, CONTEXT_EXPIRED, BAD_QOP, UNAUTHORIZED, DUPLICATE_ELEMENT = (
    number << 16 for number in (3, 12, 14, 15, 17))
BAD_INTEGRITY = "2529638943"
CTX_INCOMPLETE = "39756039"
CONTEXT_ESTABLISHED = "39756036"
MSG_TYPE = "2529638952"
EINVAL = "22"
BAD_USAGE = "2249944327"
NEGO_ABORTED = "1927964720"
WRONG_SIZE = "2249944326"
BAD_ARRANGEMENT = "1927964682"
ASN1 = range(1859794432, 1859794688)
OURS = range(1927964672, 1927964928)
SANON = "#2b06010401a94a1a016e"


def flags_of(found):
    """RFC 2743 §1.2.7, §2.2.1: before the last leg these two say nothing, and afterwards messages can be protected."""
    return f"flags {int(found[1], 16) & ~0x180:x}"


def mechs_of(found):
    """An old OID of Kerberos is Kerberos, and is listed once; there is one mechanism more."""
    mechs = {re.sub("^(old|wrong)-krb5", "krb5", mech) for mech in found[1].split() if mech not in ("IAKERB", SANON)}
    return "{ " + " ".join(sorted(mechs)) + " }"


# Done to both.
NOISE = (
    (re.compile(r"flags ([0-9a-f]+)"), flags_of),
    (re.compile(r"\{([^}]*)\}"), mechs_of),
    (re.compile(r" set$"), " set none"),
    (re.compile(r" rarely"), ""),
    # Kerberos names that came by way of a negotiation are exported as Kerberos names: they would compare as others.
    (re.compile(r"x0401000806062b0601050502"), "x0401000b06092a864886f712010202"),
)
# The facts of a context that is half open are whatever each library knows by then.
HALF_OPEN = re.compile(r" (source|mech|flags|lives) .*?(?= (no )?context$)")
REFUSAL = re.compile(r"token (a1\(30\(a0\(0a:0[02]\)\)\)|60  \S+ 0300 7e\S+)")
BAD_MECH_ATTR = "An unknown mechanism attribute was requested"
FORWARDED = re.compile("[0246]0$")
# Between two pieces of a text padding is looked for, there.
PADDING = re.compile(r" 9:\d+")
# What an acceptor's credential can accept does not end with a ticket.
ADDED = re.compile(r"( lives \S+( ever)?) and \S+( ever)?$")


def says_nothing(minor):
    """0, or one of MIT's numbers that stand for "Success": ours may say more."""
    return minor == 0 or 100001 <= minor < 200000


def plain(text):
    """Without noise."""
    for pattern, new in NOISE:
        text = pattern.sub(new, text)
    return text


class Said:
    """What a call said."""

    def __init__(self, found):
        self.call, self.minor, self.text = found[1], found[3], found[4]
        self.major = int(found[2], 16)
        self.outputs = plain(found[5])
        self.failed = bool(self.major & ERRORS)
        if self.failed:
            self.outputs = re.sub(r" (conf|then|usage) \d+| stored (none|\{.*?\})", "", self.outputs)


def majors_agree(mit, our):
    """Ours is what the RFCs have for it."""
    if mit.major == our.major:
        return True
    if not mit.failed or not our.failed:
        return False
    # What is missing is found before anything else, by whatever name.
    if our.major & CALLING_ERRORS or mit.major & CALLING_ERRORS or our.major == DUPLICATE_ELEMENT:
        return True
    # A negotiation's wrong tokens are wrong in many ways.
    if our.major == DEFECTIVE_TOKEN and (mit.major == BAD_MECH or mit.call.startswith("process_context_token")):
        return True
    # Asked for a credential of a negotiation that is none, there it answers with a status about bindings.
    if mit.call.startswith("inquire_cred") and (mit.major, our.major) == (BAD_BINDINGS, NO_CRED):
        return True
    # What a context that is half open cannot do yet, whatever is asked of it.
    if our.major == NO_CONTEXT:
        return our.minor == CTX_INCOMPLETE or mit.major in (DEFECTIVE_TOKEN, BAD_QOP)
    if mit.major == NO_CONTEXT and our.major == BAD_QOP:
        return True
    # Names are looked at first, and have types; a token before the credential that is to take it.
    if "_cred" in mit.call and our.major in (BAD_NAME, BAD_NAMETYPE):
        return True
    if "accept_sec_context" in mit.call and (mit.major == NO_CRED or (mit.major, our.major) == (DEFECTIVE_TOKEN, BAD_MECH)):
        return True
    # The tickets that a keytab was to get: of the same failure, another name.
    if "init_sec_context" in mit.call and (mit.major, our.major) == (NO_CRED, FAILURE):
        return mit.minor == our.minor or says_nothing(int(mit.minor))
    if "init_sec_context" in mit.call and (mit.major, our.major) == (DEFECTIVE_TOKEN, FAILURE):
        return says_nothing(int(mit.minor))
    # What does not belong to a message, does not fit a name, or is not there to be set, is refused by this name or that.
    if re.match("unwrap_aead|unwrap: .* token without|authorize_localname|set_name_attribute|"
                ".*_impersonate_name:.* SPNEGO ", mit.call):
        return True
    # A negotiation without mechanisms.
    if "_cred" in mit.call and (mit.major, our.major) == (FAILURE, NO_CRED) and says_nothing(int(mit.minor)):
        return True
    # Something failed, and ours says what.
    if mit.major == FAILURE and (mit.text == our.text or mit.minor == our.minor or our.major == DEFECTIVE_TOKEN):
        return True
    if (mit.major, our.major) == (FAILURE, CREDENTIALS_EXPIRED) and says_nothing(int(mit.minor)):
        return True
    # RFC 2744 §5.16 has no defective tokens.
    if mit.call.startswith("import_name") and (mit.major, our.major) == (DEFECTIVE_TOKEN, BAD_NAME):
        return True
    if "_iov" in mit.call and our.minor == BAD_ARRANGEMENT or mit.call.startswith("unwrap_iov"):
        return True
    # There was no MIC to be wrong.
    return (mit.major, our.major) == (BAD_MIC, DEFECTIVE_TOKEN) and mit.minor != BAD_INTEGRITY


def minors_agree(mit, our):
    """Ours says more than nothing, and more than that something was wrong."""
    if mit.minor == our.minor or says_nothing(int(mit.minor)) or our.major != mit.major or our.major & CALLING_ERRORS:
        return True
    if mit.minor in (EINVAL, WRONG_SIZE) and int(our.minor) in OURS:
        return True
    # How a token or an arrangement is malformed depends on where one looks first.
    if our.major in (DEFECTIVE_TOKEN, NO_CONTEXT, BAD_MIC) or (mit.major == FAILURE and "_iov" in mit.call):
        return True
    if int(mit.minor) in ASN1 and int(our.minor) in ASN1:
        return True
    # KRB-ERROR is read in DCE style and of old mechanisms, too.
    if "init_sec_context" in mit.call and mit.minor == MSG_TYPE:
        return True
    return says_nothing(int(our.minor)) and (mit.text == our.text or mit.minor == EINVAL)


def outputs_agree(mit, our):
    """Apart from what nobody may rely on."""
    a, b = mit.outputs, our.outputs
    if mit.call.startswith("add_cred"):
        a, b = ADDED.sub(r"\1", a), ADDED.sub(r"\1", b)
    if "_sec_context" in mit.call and mit.major & CONTINUE_NEEDED:
        a, b = HALF_OPEN.sub("", a), HALF_OPEN.sub("", b)
    if mit.call.startswith(("unwrap_iov", "get_mic_iov")):
        a, b = PADDING.sub(" 9:0", a), PADDING.sub(" 9:0", b)
    # Source names that came by way of a negotiation are Kerberos'.
    if mit.call.startswith("inquire_name"):
        a, b = (re.sub("mech (SPNEGO|old-krb5|wrong-krb5)", "mech krb5", text) for text in (a, b))
        # And keep what the realm said of them.
        if a.endswith(" set none"):
            b = re.sub(" set .*", " set none", b)
    # The default credential's time is forgotten there.
    if mit.call.startswith("inquire_cred_by_mech") and "of none" in mit.call and " lives 0s" in a:
        return True
    # More fits in than MIT's library knows: that it does is told apart.
    if mit.call.startswith("wrap_size_limit") and not mit.failed:
        return int(b.split()[1]) >= int(a.split()[1])
    if mit.call.startswith("display_status") and (" from 0" not in mit.call or BAD_MECH_ATTR in b):
        return True
    # Whether the peer is told.
    if mit.failed and our.failed:
        a, b = REFUSAL.sub("token none", a), REFUSAL.sub("token none", b)
    # A credential for Kerberos alone is used under a negotiation, not replaced by the default one: its ticket may be forwarded.
    if mit.call.endswith(" object 1") and not mit.failed:
        a, b = FORWARDED.sub("", a), FORWARDED.sub("", b)
    # A name without a type is whatever a mechanism makes of it.
    if mit.call.startswith("inquire_mechs_for_name") and "{  }" in a:
        return True
    # RFC 2744 §5.21: names are told of open contexts.
    if mit.call.startswith("inquire_context") and "open 0" in a:
        return True
    # Exactly what a MIC will have.
    if mit.call.startswith("get_mic_iov_length") and not mit.failed:
        return int(b.split(":")[-1].split()[0]) <= int(a.split(":")[-1].split()[0])
    # RFC 2744 §5.4: an anonymous name is no other's, not even its own.
    if mit.call.startswith("compare_name") and b == " equal 0 anonymous" and a.endswith(" anonymous"):
        return True
    return a == b


def is_meant(mit, our):
    """What comes after this is not the same, and need not be."""
    # A negotiation that is done fails no more than Kerberos would; and messages wait for its end.
    if our.minor == CONTEXT_ESTABLISHED and mit.failed or our.minor == CTX_INCOMPLETE or "complete_auth_token" in mit.call:
        return True
    # Of a context whose step failed nothing is left; who sends a wrong token is refused at once, as is one who was told no.
    if mit.call.startswith("inquire_context") and our.major == NO_CONTEXT and "open 0" in mit.outputs:
        return True
    if "_sec_context" in mit.call and (our.major, mit.major) == (DEFECTIVE_TOKEN, CONTINUE_NEEDED):
        return True
    if our.minor == NEGO_ABORTED:
        return True
    if re.match("display_status: .* type 3 ", mit.call):
        return True
    # Nothing can be had, and there that is called success.
    if mit.call.startswith("store_cred") and our.failed and "stored none" in mit.outputs:
        return True
    # With a negotiation what it may come out at is stored.
    if mit.call.startswith("store_cred") and mit.failed and "SPNEGO" in our.outputs:
        return True
    # Which numbers were told before.
    if re.match("display_status: 000[0-9a-f]* type 2", mit.call):
        return True
    # What a server cannot accept it finds out when a client wants it.
    if "accept_sec_context" in mit.call and mit.major in (NO_CRED, FAILURE) and our.major == CONTINUE_NEEDED:
        return says_nothing(int(mit.minor))
    # An old OID of Kerberos is Kerberos.
    if re.search("mech (old|wrong)-krb5$", mit.call) and mit.major == NO_CRED:
        return True
    # Tokens that somebody changed, and that are wrong now.
    if re.search("_sec_context: token (set|changed|begins|without)", mit.call) and our.failed:
        return True
    # The credential that was delegated in DCE style is not lost.
    if "accept_sec_context" in mit.call and " delegated" in our.outputs and "none delegated" in mit.outputs:
        return True
    # Bytes after the end of a token.
    if "_sec_context: token with " in mit.call and our.failed and not mit.failed:
        return True
    # A message that comes twice still has its text.
    if mit.call.startswith("unwrap_iov") and mit.major == our.major and re.search(" 1(0001)?:0 ", mit.outputs):
        return True
    # RFC 2744 §5.14 and §5.21: an expired context is not exported, and is told of.
    if mit.call.startswith("export_sec_context") and our.major == CONTEXT_EXPIRED:
        return True
    if mit.call.startswith("inquire_context") and mit.major == CONTEXT_EXPIRED:
        return True
    # Names do not end at a zero byte.
    if our.text == "Name has a zero byte":
        return True
    # What an acceptor does not need is not looked at.
    if re.search("usage 2 .*NOSUCH", mit.call) and mit.failed:
        return True
    if re.match("localname: .* mech SPNEGO|pname_to_uid", mit.call) and mit.failed and our.failed:
        return True
    # A message in DCE style is read as a stream, too.
    if re.match("unwrap_iov: .* kind [34]|unwrap_aead", mit.call) and mit.major == FAILURE and not our.failed:
        return True
    # Kerberos' rules ask for an account that is there.
    if mit.call.startswith("authorize_localname") and our.major == UNAUTHORIZED:
        return True
    # Calls without a place for a minor status are refused, all of them.
    if mit.call.endswith(" no-minor") and our.major & CALLING_ERRORS:
        return True
    # What a realm said of a name is not changed.
    if mit.call.startswith("set_name_attribute") and our.failed:
        return True
    # Two headers, or what belongs to no message.
    if "_iov" in mit.call and our.minor == BAD_ARRANGEMENT:
        types = [kind.split(":")[0][-1] for kind in re.findall(r" [0-9a-f]+:\d+", mit.call)]
        unfit = "a3" if "_mic_" in mit.call else "ac3"
        return any(kind in types for kind in unfit) or any(types.count(kind) > 1 for kind in "279ac")
    # Peers with an old OID of Kerberos are served.
    if "accept_sec_context" in mit.call and mit.major == NO_CRED and says_nothing(int(mit.minor)):
        return True
    # A credential for other mechanisms is not replaced by the default one.
    if "init_sec_context" in mit.call and our.major == NO_CRED and mit.major != NO_CRED:
        return True
    # Anonymity is offered a mechanism that has it.
    if "init_sec_context" in mit.call and "2b06010401a94a1a016e" in our.outputs:
        return True
    # An OID is not empty, and has no digits before its first.
    if re.match("encapsulate.* oid empty", mit.call) and our.failed:
        return True
    # Nor has it an end that is none, nor numbers that are larger than any.
    if re.match("oid_to_str|str_to_oid", mit.call) and our.failed:
        return True
    # Asked for the default credential, a negotiation answers there with a status about bindings.
    if re.match("inquire_cred_by_mech: .*mech SPNEGO", mit.call) and mit.major == BAD_BINDINGS:
        return True
    if re.match("pseudo_random.* len -1", mit.call) and our.failed:
        return True
    # No acceptor has a password.
    if "_cred_with_password" in mit.call and " usage 2" in mit.call and our.minor == BAD_USAGE:
        return True
    # A user's number has digits.
    return our.text.startswith(("User id in string form", "A user id in binary form"))


def judge(mit, our, mit_line, our_line):
    """"same", "end" (meant, and what follows is not comparable), or "different"."""
    # IAKERB is each library's own, and the old OIDs of Kerberos are other mechanisms there: their credentials and names.
    # Names for a negotiation are here what they are for the mechanism that it will most likely come out at.
    if re.search("IAKERB|canonicalize_name.*mech (SPNEGO|old-|wrong-)", mit_line):
        return "end"
    if re.search("(_cred.*|pair: .*)(old|wrong)-krb5(?!.* creds 4 4)", mit_line):
        return "end"
    # There a context that is open does not survive being established again.
    if our and our[3] == CONTEXT_ESTABLISHED:
        return "end"
    # Who came by way of a negotiation is not let in where Kerberos would not let him.
    if mit_line.startswith("userok") and our_line.endswith(" 0"):
        return "same"
    if not mit or not our:
        return "same" if plain(mit_line) == plain(our_line) else "different"
    mit, our = Said(mit), Said(our)
    if mit.call == our.call:
        if majors_agree(mit, our) and minors_agree(mit, our) and outputs_agree(mit, our):
            return "same"
        if is_meant(mit, our):
            return "end"
    return "different"
