import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.HttpSigner;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.AwsSessionCredentialsIdentity;

/**
 * The door of a broker that lets in who shows a token as Amazon MSK takes it: a URL that was signed
 * for `kafka-cluster:Connect`. Amazon's signer signs the same URL again with the keys in a file
 * (-Dweir.iam.keys, lines of `KEY_ID SECRET SESSION_TOKEN PRINCIPAL`, `-` for no session token, read
 * for each login); what it signs must be what was shown. Each login and refusal is a line of the log.
 */
public final class IamTokens implements AuthenticateCallbackHandler {
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  private record Keys(String id, String secret, String session, String principal) {
    AwsCredentialsIdentity identity() {
      return session == null
          ? AwsCredentialsIdentity.create(id, secret)
          : AwsSessionCredentialsIdentity.create(id, secret, session);
    }
  }

  private record Login(String value, String principalName, Instant from, Instant until)
      implements OAuthBearerToken {
    @Override public Set<String> scope() { return Set.of(); }
    @Override public long lifetimeMs() { return until.toEpochMilli(); }
    @Override public Long startTimeMs() { return from.toEpochMilli(); }
  }

  private static final class Refused extends Exception {
    Refused(String why) { super(why); }
  }

  @Override public void configure(Map<String, ?> c, String mechanism, List<AppConfigurationEntry> j) {}
  @Override public void close() {}

  @Override
  public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
    for (Callback callback : callbacks) {
      if (callback instanceof OAuthBearerValidatorCallback login) {
        judge(login);
      } else if (callback instanceof OAuthBearerExtensionsValidatorCallback extensions) {
        extensions.inputExtensions().map().keySet().forEach(extensions::valid);
      } else {
        throw new UnsupportedCallbackException(callback);
      }
    }
  }

  private static void judge(OAuthBearerValidatorCallback login) throws IOException {
    try {
      Login good = read(login.tokenValue(), Instant.now().plusSeconds(ahead()));
      System.out.println("iam login " + good.principalName() + " until " + good.until());
      login.token(good);
    } catch (Refused | RuntimeException why) {
      System.out.println("iam refused: " + why.getMessage());
      login.error("invalid_token", null, null);
    }
  }

  private static Login read(String token, Instant now) throws IOException, Refused {
    demand(token.indexOf('=') < 0, "the token is padded");
    URI url = URI.create(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8));
    demand("https".equals(url.getScheme()) && "/".equals(url.getPath()), "not https://…/");
    Map<String, String> query = new TreeMap<>();
    for (String pair : url.getRawQuery().split("&")) {
      String[] sides = pair.split("=", 2);
      demand(query.put(plain(sides[0]), plain(sides[1])) == null, sides[0] + " is there twice");
    }
    demand(query.containsKey("User-Agent"), "no User-Agent");
    is(query, "Action", "kafka-cluster:Connect");
    is(query, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    is(query, "X-Amz-SignedHeaders", "host");
    String[] scope = query.getOrDefault("X-Amz-Credential", "").split("/");
    demand(scope.length == 5 && scope[3].equals("kafka-cluster"), "signed for another service");
    demand(url.getHost().equals("kafka." + scope[2] + ".amazonaws.com"), "another region's host");
    String region = System.getProperty("weir.iam.region", scope[2]);
    demand(region.equals(scope[2]), "signed for " + scope[2] + ", this is " + region);

    Instant signed = Instant.from(STAMP.parse(query.get("X-Amz-Date")));
    Duration life = Duration.ofSeconds(Long.parseLong(query.get("X-Amz-Expires")));
    demand(life.toSeconds() <= 900, "lives too long");
    demand(now.isBefore(signed.plus(life)), "expired");
    demand(signed.isBefore(now.plusSeconds(300)), "signed in the future");

    Keys keys = keysOf(scope[0]);
    demand(java.util.Objects.equals(query.get("X-Amz-Security-Token"), keys.session()),
        "the session token is another");
    SdkHttpRequest request = SdkHttpRequest.builder().method(SdkHttpMethod.GET)
        .protocol("https").host(url.getHost()).encodedPath("/")
        .putRawQueryParameter("Action", query.get("Action")).build();
    SdkHttpRequest again = AwsV4HttpSigner.create().sign(how -> how
        .identity(keys.identity()).request(request)
        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "kafka-cluster")
        .putProperty(AwsV4HttpSigner.REGION_NAME, scope[2])
        .putProperty(AwsV4HttpSigner.AUTH_LOCATION, AwsV4HttpSigner.AuthLocation.QUERY_STRING)
        .putProperty(AwsV4HttpSigner.EXPIRATION_DURATION, life)
        .putProperty(HttpSigner.SIGNING_CLOCK, Clock.fixed(signed, ZoneOffset.UTC))).request();
    demand(same(again, query, "X-Amz-Credential"), "the credential's date is another");
    demand(same(again, query, "X-Amz-Signature"), "the signature is wrong");
    return new Login(token, keys.principal(), signed, signed.plus(life));
  }

  private static boolean same(SdkHttpRequest signed, Map<String, String> query, String name) {
    byte[] ours = signed.firstMatchingRawQueryParameter(name).orElse("-").getBytes();
    return MessageDigest.isEqual(ours, query.getOrDefault(name, "").getBytes());
  }

  /** How far this broker's clock is ahead of the others': a line `clock SECONDS` of the same file. */
  private static long ahead() throws IOException {
    for (String line : Files.readAllLines(Path.of(System.getProperty("weir.iam.keys")))) {
      if (line.startsWith("clock ")) return Long.parseLong(line.substring(6).trim());
    }
    return 0;
  }

  private static Keys keysOf(String id) throws IOException, Refused {
    for (String line : Files.readAllLines(Path.of(System.getProperty("weir.iam.keys")))) {
      String[] words = line.trim().split(" +");
      if (words.length == 4 && words[0].equals(id)) {
        return new Keys(words[0], words[1], words[2].equals("-") ? null : words[2], words[3]);
      }
    }
    throw new Refused("no such key " + id);
  }

  private static void is(Map<String, String> query, String name, String value) throws Refused {
    demand(value.equals(query.get(name)), name + " is " + query.get(name));
  }

  private static void demand(boolean holds, String why) throws Refused {
    if (!holds) throw new Refused(why);
  }

  private static String plain(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
