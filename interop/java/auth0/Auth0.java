// Auth0's Java SDK: the management client configures a tenant, the authentication client signs somebody in, and an API
// checks tokens with java-jwt and jwks-rsa. Says the address of the authorize request, reads that of the callback.

import com.auth0.client.auth.AuthAPI;
import com.auth0.client.mgmt.ManagementApi;
import com.auth0.client.mgmt.core.ManagementApiException;
import com.auth0.client.mgmt.types.ClientAppTypeEnum;
import com.auth0.client.mgmt.types.CreateClientGrantRequestContent;
import com.auth0.client.mgmt.types.CreateClientRequestContent;
import com.auth0.client.mgmt.types.CreateResourceServerRequestContent;
import com.auth0.client.mgmt.types.CreateRoleRequestContent;
import com.auth0.client.mgmt.types.CreateUserRequestContent;
import com.auth0.client.mgmt.types.ResourceServerScope;
import com.auth0.client.mgmt.types.UpdateResourceServerRequestContent;
import com.auth0.client.mgmt.types.UpdateRoleRequestContent;
import com.auth0.client.mgmt.users.types.AssignUserRolesRequestContent;
import com.auth0.exception.APIException;
import com.auth0.exception.Auth0Exception;
import com.auth0.json.auth.TokenHolder;
import com.auth0.jwk.JwkProviderBuilder;
import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.interfaces.DecodedJWT;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.security.interfaces.RSAPublicKey;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

public class Auth0 {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SCOPE = "openid email offline_access read:things write:things";

    public static void main(String[] arguments) throws Exception {
        JsonNode settings = JSON.readTree(arguments[0]);
        String domain = settings.get("domain").asText();
        ManagementApi management = ManagementApi.builder()
                .domain(domain)
                .clientCredentials(settings.get("client_id").asText(), settings.get("client_secret").asText())
                .build();
        Map<String, Object> result = new LinkedHashMap<>();
        String mark = UUID.randomUUID().toString().substring(0, 8);
        String audience = "https://" + mark + ".example/api";
        String callback = settings.get("callback").asText();

        var api = management.resourceServers().create(CreateResourceServerRequestContent.builder()
                .identifier(audience)
                .name("Java")
                .allowOfflineAccess(true)
                .scopes(List.of(scope("read:things"), scope("write:things")))
                .build());
        var client = management.clients().create(CreateClientRequestContent.builder()
                .name("Java " + mark)
                .appType(ClientAppTypeEnum.REGULAR_WEB)
                .oidcConformant(true)
                .callbacks(List.of(callback))
                .allowedLogoutUrls(List.of(callback))
                .grantTypes(List.of("authorization_code", "refresh_token", "client_credentials"))
                .build());
        var grant = management.clientGrants().create(CreateClientGrantRequestContent.builder()
                .clientId(client.getClientId().orElseThrow())
                .audience(audience)
                .scope(List.of("read:things"))
                .build());
        var user = management.users().create(CreateUserRequestContent.builder()
                .connection("Username-Password-Authentication")
                .email(mark + "@example.com")
                .password("Correct-Horse-7")
                .build());
        String userId = user.getUserId().orElseThrow();
        var role = management.roles().create(CreateRoleRequestContent.builder().name("Java " + mark).build());
        String roleId = role.getId().orElseThrow();
        management.users().roles().assign(userId, AssignUserRolesRequestContent.builder().addRoles(roleId).build());
        result.put("held", seen(management.users().roles().list(userId)));
        result.put("applications", seen(management.clients().list()) >= 5);
        management.resourceServers().update(api.getId().orElseThrow(), UpdateResourceServerRequestContent.builder()
                .scopes(List.of(scope("read:things"), scope("write:things"), scope("more:things")))
                .build());
        management.roles().update(roleId, UpdateRoleRequestContent.builder().name("Java, again " + mark).build());
        try {
            management.users().get("auth0|none");
        } catch (ManagementApiException error) {
            result.put("missing", error.statusCode());
        }

        AuthAPI auth = AuthAPI.newBuilder(domain, client.getClientId().get(), client.getClientSecret().orElseThrow()).build();
        say(Map.of("email", mark + "@example.com", "password", "Correct-Horse-7", "authorize",
                auth.authorizeUrl(callback).withAudience(audience).withScope(SCOPE).withState(mark).build()));
        URI back = new URI(new BufferedReader(new InputStreamReader(System.in)).readLine().trim());
        String code = back.getQuery().replaceAll("^(?:.*&)?code=([^&]+).*$", "$1");
        TokenHolder tokens = auth.exchangeCode(code, callback).execute().getBody();
        TokenHolder renewed = auth.renewAuth(tokens.getRefreshToken()).execute().getBody();
        TokenHolder machine = auth.requestToken(audience).execute().getBody();
        result.put("userinfo", userId.equals(auth.userInfo(tokens.getAccessToken()).execute().getBody().getValues().get("sub")));
        result.put("scopes", List.of(
                checked(domain, audience, tokens).getClaim("scope").asString(),
                checked(domain, audience, renewed).getClaim("scope").asString(),
                checked(domain, audience, machine).getClaim("scope").asString()));
        auth.revokeToken(renewed.getRefreshToken() == null ? tokens.getRefreshToken() : renewed.getRefreshToken()).execute();
        try {
            auth.renewAuth(tokens.getRefreshToken()).execute();
        } catch (Auth0Exception error) {
            result.put("revoked", ((APIException) error).getError());
        }
        result.put("logout", auth.logoutUrl(callback, true).build());

        management.clientGrants().delete(grant.getId().orElseThrow());
        management.roles().delete(roleId);
        management.users().delete(userId);
        management.clients().delete(client.getClientId().get());
        management.resourceServers().delete(api.getId().get());
        say(result);
    }

    private static ResourceServerScope scope(String value) {
        return ResourceServerScope.builder().value(value).description("To " + value).build();
    }

    private static int seen(Iterable<?> pages) {
        int count = 0;
        for (Object each : pages) count += 1;
        return count;
    }

    /** What an API does with a token. */
    private static DecodedJWT checked(String domain, String audience, TokenHolder tokens) throws Exception {
        var keys = new JwkProviderBuilder(domain).cached(true).build();
        String keyId = JWT.decode(tokens.getAccessToken()).getKeyId();
        Algorithm algorithm = Algorithm.RSA256((RSAPublicKey) keys.get(keyId).getPublicKey(), null);
        return JWT.require(algorithm)
                .withIssuer("https://" + domain + "/")
                .withAudience(audience)
                .build()
                .verify(tokens.getAccessToken());
    }

    private static void say(Map<String, ?> message) throws Exception {
        System.out.println(JSON.writeValueAsString(message));
    }
}
