import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** mongo-java-server in memory, on a free port of loopback or at the host and port given. Says its address; ends with its standard input. */
public class JavaServer {
  public static void main(String[] arguments) throws Exception {
    MongoServer server = new MongoServer(new MemoryBackend().version(new Newer()));
    String host = arguments.length > 0 ? arguments[0] : "127.0.0.1";
    server.bind(host, arguments.length > 1 ? Integer.parseInt(arguments[1]) : 0);
    System.out.println("mongodb://" + host + ":" + server.getLocalAddress().getPort());
    while (System.in.read() >= 0) {
      // Nothing is said on it; its end is the end of the one that started this.
    }
    server.shutdownNow();
    System.exit(0);
  }

  /** The oldest version that today's driver talks to; the newest that the server knows of itself is older. */
  static final class Newer implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }

    @Override
    public String toVersionString() {
      return "4.4.0";
    }
  }
}
