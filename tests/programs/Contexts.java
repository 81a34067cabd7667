/* Contexts of both kinds with themselves, through Java's own GSS-API on a native library; what came of each on standard output. */
import java.util.Arrays;
import java.util.Random;
import org.ietf.jgss.ChannelBinding;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.MessageProp;
import org.ietf.jgss.Oid;

public class Contexts {
	static final GSSManager manager = GSSManager.getInstance();
	static final String[] mechs = {"1.2.840.113554.1.2.2", "1.3.6.1.5.5.2"};

	static void say(Object... words)
	{
		System.out.println(Arrays.toString(words));
	}

	static GSSContext[] establish(Oid mech, boolean mutual, boolean delegates) throws GSSException
	{
		GSSName target = manager.createName("host@server.baton.test", GSSName.NT_HOSTBASED_SERVICE);
		GSSCredential client = manager.createCredential(null, GSSCredential.DEFAULT_LIFETIME, mech, GSSCredential.INITIATE_ONLY);
		GSSCredential server = manager.createCredential(target, GSSCredential.DEFAULT_LIFETIME, mech, GSSCredential.ACCEPT_ONLY);
		GSSContext i = manager.createContext(target, mech, client, GSSContext.DEFAULT_LIFETIME), a = manager.createContext(server);
		byte[] token = new byte[0];

		say("credentials", client.getName(), client.getUsage(), server.getName(), server.getUsage(), server.getRemainingLifetime());
		i.requestMutualAuth(mutual);
		i.requestCredDeleg(delegates);
		i.setChannelBinding(new ChannelBinding("the same on both sides".getBytes()));
		a.setChannelBinding(new ChannelBinding("the same on both sides".getBytes()));
		while (!i.isEstablished() || !a.isEstablished()) {
			if (!i.isEstablished())
				token = i.initSecContext(token, 0, token.length);
			if (!a.isEstablished())
				token = a.acceptSecContext(token, 0, token.length);
		}
		return new GSSContext[] {i, a};
	}

	static void show(GSSContext c) throws GSSException
	{
		say("context", c.getSrcName(), c.getTargName(), c.getMech(), c.isInitiator(), c.getMutualAuthState(), c.getCredDelegState(),
		    c.getConfState(), c.getIntegState(), c.getReplayDetState(), c.getSequenceDetState(), c.getAnonymityState(),
		    c.getLifetime() > 3600, c.getWrapSizeLimit(0, true, 4096), c.getWrapSizeLimit(0, false, 4096));
		if (!c.isInitiator() && c.getCredDelegState())
			say("delegated", c.getDelegCred().getName(), c.getDelegCred().getUsage());
	}

	/* Java shows an empty message as none. */
	static byte[] unwrap(GSSContext c, byte[] token, MessageProp prop) throws GSSException
	{
		byte[] text = c.unwrap(token, 0, token.length, prop);

		return text != null ? text : new byte[0];
	}

	static void talk(GSSContext from, GSSContext to) throws GSSException
	{
		for (int size : new int[] {0, 1, 1000, 100000}) {
			byte[] text = new byte[size], token, mic;
			MessageProp prop = new MessageProp(0, false);

			new Random(size).nextBytes(text);
			for (boolean encrypt : new boolean[] {true, false}) {
				token = from.wrap(text, 0, size, new MessageProp(0, encrypt));
				say("message", size, Arrays.equals(text, unwrap(to, token, prop)), prop.getPrivacy() == encrypt);
			}
			unwrap(to, token = from.wrap(text, 0, size, new MessageProp(0, true)), prop);
			unwrap(to, token, prop);
			say("again", prop.isDuplicateToken(), prop.isOldToken(), prop.isUnseqToken(), prop.isGapToken());
			mic = from.getMIC(text, 0, size, new MessageProp(0, false));
			to.verifyMIC(mic, 0, mic.length, text, 0, size, prop);
			mic[mic.length - 1] ^= 1;
			try {
				to.verifyMIC(mic, 0, mic.length, text, 0, size, prop);
			} catch (GSSException e) {
				say("altered", e.getMajor());
			}
		}
	}

	static void move(GSSContext i, GSSContext a) throws GSSException
	{
		byte[] token = a.export();

		a = manager.createContext(token);
		talk(i, a);
		talk(a, i);
		try {
			manager.createContext(token);
			say("imported again");
		} catch (GSSException e) {
			say("not imported again", e.getMajor());
		}
	}

	static void names(GSSContext a) throws GSSException
	{
		GSSName name = a.getSrcName(), back = manager.createName(name.export(), GSSName.NT_EXPORT_NAME);

		say("name", back, name.equals(back), name.isMN(), name.isAnonymous(), name.canonicalize(new Oid(mechs[0])), name.getStringNameType());
	}

	static void fail(Oid mech)
	{
		try {
			GSSName target = manager.createName("nosuch@server.baton.test", GSSName.NT_HOSTBASED_SERVICE);

			manager.createContext(target, mech, null, 0).initSecContext(new byte[0], 0, 0);
		} catch (GSSException e) {
			say("failure", e.getMajor(), e.getMessage());
		}
	}

	public static void main(String[] arguments) throws GSSException
	{
		for (String text : mechs) {
			Oid mech = new Oid(text);

			say("names of", mech, Arrays.toString(manager.getNamesForMech(mech)));
			for (int i = 0; i < 4; i++) {
				GSSContext[] both = establish(mech, (i & 1) != 0, (i & 2) != 0);

				show(both[0]);
				show(both[1]);
				names(both[1]);
				talk(both[0], both[1]);
				talk(both[1], both[0]);
				move(both[0], both[1]);
			}
			fail(mech);
		}
	}
}
