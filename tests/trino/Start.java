/* Trino's server from the parts that are published: what its own launcher calls, with the version. */
public final class Start {
	public static void main(String[] arguments) {
		new io.trino.server.Server().start(arguments[0]);
	}
}
