import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.io.ByteArrayInputStream;

/** The JDK's client: as it is, offering HTTP/2, and bound to HTTP/1.1. */
public class Http {
    static final String BASE = "http://127.0.0.1:" + System.getenv("HTTP_PORT");

    static void tell(HttpClient client, HttpRequest.Builder request) throws Exception {
        var built = request.setHeader("User-Agent", "java").build();
        var response = client.send(built, BodyHandlers.ofByteArray());
        System.out.println(response.statusCode() + " " + response.body().length);
    }

    static HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create(BASE + path));
    }

    public static void main(String[] arguments) throws Exception {
        tell(HttpClient.newHttpClient(), to("/offers"));
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        tell(client, to("/member/17").header("Authorization", "Bearer hunter2"));
        tell(client, to("/a").method("HEAD", BodyPublishers.noBody()));
        tell(client, to("/charge").header("Idempotency-Key", "order-1").POST(BodyPublishers.ofString("amount=5")));
        byte[] body = "a body of unknown length".getBytes();
        tell(client, to("/a").PUT(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))));
        tell(client, to("/waits").expectContinue(true).POST(BodyPublishers.ofString("called for")));
        tell(client, to("/chunked"));
        tell(client, to("/fail").DELETE());
        tell(client, to("/close"));
    }
}
