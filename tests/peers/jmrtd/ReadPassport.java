import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECParameterSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.TerminalFactory;
import net.sf.scuba.smartcards.CardFileInputStream;
import net.sf.scuba.smartcards.CardServiceException;
import net.sf.scuba.smartcards.TerminalCardService;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.engines.RSAEngine;
import org.bouncycastle.crypto.params.RSAKeyParameters;
import org.bouncycastle.crypto.signers.ISO9796d2Signer;
import org.bouncycastle.jcajce.provider.asymmetric.util.EC5Util;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.math.ec.ECPoint;
import org.jmrtd.BACKey;
import org.jmrtd.DefaultFileSystem;
import org.jmrtd.PACEKeySpec;
import org.jmrtd.PassportService;
import org.jmrtd.Util;
import org.jmrtd.lds.ActiveAuthenticationInfo;
import org.jmrtd.lds.CardAccessFile;
import org.jmrtd.lds.ChipAuthenticationInfo;
import org.jmrtd.lds.ChipAuthenticationPublicKeyInfo;
import org.jmrtd.lds.LDSFileUtil;
import org.jmrtd.lds.PACEInfo;
import org.jmrtd.lds.SODFile;
import org.jmrtd.lds.SecurityInfo;
import org.jmrtd.lds.icao.COMFile;
import org.jmrtd.lds.icao.DG14File;
import org.jmrtd.lds.icao.DG15File;
import org.jmrtd.lds.icao.DG1File;
import org.jmrtd.lds.icao.DG2File;
import org.jmrtd.protocol.PACECAMResult;
import org.jmrtd.protocol.PACEGMWithECDHMappingResult;
import org.jmrtd.protocol.PACEResult;
import org.jmrtd.protocol.ReadBinaryAPDUSender;

/**
 * Reads the passport in the first PC/SC reader with JMRTD, proves what its chip offers, prints one verdict a line.
 * Arguments: document number, birth date, expiry date (YYMMDD), access number or -, CSCA certificates (PEM),
 * longest protected answer (256 or 65536), bytes of one READ BINARY. JMRTD leaves signatures and paths to its caller:
 * BouncyCastle judges those.
 */
public class ReadPassport {
  private static final String BC = "BC";
  private static final String CHIP_PUBLIC_KEY = "0.4.0.127.0.7.2.2.1.2";

  private final BACKey zone;
  private final String can;
  private final int block;
  private final PassportService service;
  private final Map<Integer, byte[]> groups = new TreeMap<>();

  private ReadPassport(CardTerminal terminal, BACKey zone, String can, int longest, int block) {
    this.zone = zone;
    this.can = can;
    this.block = block;
    int normal = PassportService.NORMAL_MAX_TRANCEIVE_LENGTH;
    service = new PassportService(new TerminalCardService(terminal), normal, longest, block, true, true);
  }

  public static void main(String[] given) throws Exception {
    Security.insertProviderAt(new BouncyCastleProvider(), 1);
    CardTerminal terminal = null;
    for (CardTerminal found : TerminalFactory.getDefault().terminals().list()) {
      terminal = terminal == null && found.isCardPresent() ? found : terminal;
    }
    BACKey zone = new BACKey(given[0], given[1], given[2]);
    new ReadPassport(terminal, zone, given[3], Integer.parseInt(given[5]), Integer.parseInt(given[6])).run(Path.of(given[4]));
  }

  private void run(Path anchors) throws Exception {
    service.open();
    boolean mapped = open();
    byte[] object = read(PassportService.EF_SOD);
    SODFile sod = new SODFile(new ByteArrayInputStream(object));
    if (sod.getDataGroupHashes().containsKey(14) && !mapped) {
      chipAuthentication();
    }
    for (int tag : new COMFile(new ByteArrayInputStream(read(PassportService.EF_COM))).getTagList()) {
      groups.put(LDSFileUtil.lookupDataGroupNumberByTag(tag), read(LDSFileUtil.lookupFIDByTag(tag)));
    }
    passiveAuthentication(sod, anchors);
    if (groups.containsKey(15)) {
      activeAuthentication();
    }
    DG1File page = new DG1File(new ByteArrayInputStream(groups.get(1)));
    say("the zone is of the document asked for", page.getMRZInfo().getDocumentNumber().equals(zone.getDocumentNumber()));
    say("one portrait", new DG2File(new ByteArrayInputStream(groups.get(2))).getSubRecords().size() == 1);
    service.close();
  }

  /** PACE where EF.CardAccess offers it, else basic access control; true where the chip has shown its key by the mapping. */
  private boolean open() throws Exception {
    PACEInfo offered = null;
    try {
      for (SecurityInfo info : new CardAccessFile(service.getInputStream(PassportService.EF_CARD_ACCESS)).getSecurityInfos()) {
        offered = info instanceof PACEInfo ? (PACEInfo) info : offered;
      }
    } catch (CardServiceException | IOException none) {
      // no such file
    }
    if (offered == null) {
      service.sendSelectApplet(false);
      service.doBAC(zone);
      say("basic access control", true);
      return false;
    }
    PACEKeySpec key = can.equals("-") ? PACEKeySpec.createMRZKey(zone) : PACEKeySpec.createCANKey(can);
    ECParameterSpec curve = (ECParameterSpec) PACEInfo.toParameterSpec(offered.getParameterId());
    String protocol = offered.getObjectIdentifier();
    PACEResult result = service.doPACE(key, protocol, curve, offered.getParameterId());
    String cipher = PACEInfo.toCipherAlgorithm(protocol) + "-" + PACEInfo.toKeyLength(protocol);
    String how = PACEInfo.toMappingType(protocol) + ", " + cipher;
    say("PACE, " + how + ", " + PACEInfo.toStandardizedParamIdString(offered.getParameterId()), true);
    if (result instanceof PACECAMResult) {
      mapping((PACECAMResult) result, curve);
    }
    service.sendSelectApplet(true);
    return result instanceof PACECAMResult;
  }

  private byte[] read(short file) throws Exception {
    return whole(service.getInputStream(file));
  }

  private static byte[] whole(CardFileInputStream stream) throws IOException {
    byte[] content = new byte[stream.getLength()];
    new DataInputStream(stream).readFully(content);
    return content;
  }

  private void chipAuthentication() throws Exception {
    DG14File infos = new DG14File(new ByteArrayInputStream(read(PassportService.EF_DG14)));
    List<ChipAuthenticationPublicKeyInfo> keys = infos.getChipAuthenticationPublicKeyInfos();
    if (keys.isEmpty()) {
      return;
    }
    String protocol = infos.getChipAuthenticationInfos().get(0).getObjectIdentifier();
    ChipAuthenticationPublicKeyInfo key = keys.get(0);
    service.doEACCA(key.getKeyId(), protocol, key.getObjectIdentifier(), key.getSubjectPublicKey());
    read(PassportService.EF_COM); // the chip has the key only if it answers under the new keys
    String cipher = ChipAuthenticationInfo.toCipherAlgorithm(protocol) + "-" + ChipAuthenticationInfo.toKeyLength(protocol);
    say("chip authentication, " + cipher, true);
  }

  private void passiveAuthentication(SODFile sod, Path anchors) throws Exception {
    for (Map.Entry<Integer, byte[]> listed : sod.getDataGroupHashes().entrySet()) {
      MessageDigest digest = MessageDigest.getInstance(sod.getDigestAlgorithm());
      say("hash of data group " + listed.getKey(), Arrays.equals(listed.getValue(), digest.digest(groups.get(listed.getKey()))));
    }
    String algorithm = sod.getDigestEncryptionAlgorithm();
    if (algorithm.equals("SSAwithRSA/PSS")) { // JMRTD's name of PSS, whose hash it gives apart
      algorithm = sod.getSignerInfoDigestAlgorithm().replace("-", "") + "withRSA/PSS";
    }
    Signature signature = Signature.getInstance(algorithm, BC);
    if (sod.getDigestEncryptionAlgorithmParams() != null) {
      signature.setParameter(sod.getDigestEncryptionAlgorithmParams());
    }
    X509Certificate signer = sod.getDocSigningCertificate();
    signature.initVerify(signer);
    signature.update(sod.getEContent());
    say("signature of the security object, " + algorithm, signature.verify(sod.getEncryptedDigest()));
    boolean trusted = false;
    for (Certificate anchor : CertificateFactory.getInstance("X.509", BC).generateCertificates(Files.newInputStream(anchors))) {
      try {
        signer.verify(anchor.getPublicKey(), BC);
        trusted = true;
      } catch (GeneralSecurityException otherKey) {
        // not this one
      }
    }
    say("document signer under the CSCA", trusted);
  }

  private void activeAuthentication() throws Exception {
    PublicKey key = new DG15File(new ByteArrayInputStream(groups.get(15))).getPublicKey();
    byte[] challenge = new byte[8];
    new SecureRandom().nextBytes(challenge);
    if (key instanceof RSAPublicKey) {
      byte[] answer = service.doAA(key, "SHA-256", "SHA256WithRSA/ISO9796-2", challenge).getResponse();
      say("active authentication, RSA, SHA-256", opens((RSAPublicKey) key, challenge, answer));
      return;
    }
    String name = null;
    for (ActiveAuthenticationInfo info : new DG14File(new ByteArrayInputStream(groups.get(14))).getActiveAuthenticationInfos()) {
      name = ActiveAuthenticationInfo.lookupMnemonicByOID(info.getSignatureAlgorithmOID());
    }
    byte[] answer = service.doAA(key, null, name, challenge).getResponse();
    Signature signature = Signature.getInstance(name.replace("withECDSA", "withPLAIN-ECDSA"), BC);
    signature.initVerify(key);
    signature.update(challenge);
    say("active authentication, " + name, signature.verify(answer));
  }

  /** ISO/IEC 9796-2 scheme 1 with partial recovery; BouncyCastle's Signature of that name knows no two-octet trailer here. */
  private static boolean opens(RSAPublicKey key, byte[] challenge, byte[] answer) {
    ISO9796d2Signer signer = new ISO9796d2Signer(new RSAEngine(), new SHA256Digest(), false);
    signer.init(false, new RSAKeyParameters(false, key.getModulus(), key.getPublicExponent()));
    try {
      signer.updateWithRecoveredMessage(answer);
      signer.update(challenge, 0, challenge.length);
      return signer.verifySignature(answer);
    } catch (Exception malformed) {
      return false;
    }
  }

  /**
   * Doc 9303-11 §4.4.3.5: the chip's mapping key is CA_IC times its static key, which EF.CardSecurity signs.
   * Done here because JMRTD reads that file without protection, decrypts CA_IC with sixteen FF where those are to be
   * encrypted first, and knows no key whose curve is named by parameterId.
   */
  private void mapping(PACECAMResult result, ECParameterSpec curve) throws Exception {
    DefaultFileSystem root = new DefaultFileSystem(new ReadBinaryAPDUSender(service.getSecureMessagingAPDUSender()), false);
    root.setWrapper(result.getWrapper());
    root.selectFile(PassportService.EF_CARD_SECURITY);
    CMSSignedData signed = new CMSSignedData(whole(new CardFileInputStream(block, root)));
    SignerInformation signer = signed.getSignerInfos().getSigners().iterator().next();
    X509CertificateHolder holder = (X509CertificateHolder) signed.getCertificates().getMatches(signer.getSID()).iterator().next();
    say("signature of EF.CardSecurity", signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(BC).build(holder)));
    byte[] point = null;
    for (ASN1Encodable each : ASN1Set.getInstance(signed.getSignedContent().getContent())) {
      ASN1Sequence info = ASN1Sequence.getInstance(each);
      if (info.getObjectAt(0).toString().equals(CHIP_PUBLIC_KEY)) {
        point = SubjectPublicKeyInfo.getInstance(info.getObjectAt(1)).getPublicKeyData().getBytes();
      }
    }
    byte[] ones = new byte[16];
    Arrays.fill(ones, (byte) 0xFF);
    Cipher ecb = Cipher.getInstance("AES/ECB/NoPadding", BC);
    ecb.init(Cipher.ENCRYPT_MODE, result.getWrapper().getEncryptionKey());
    Cipher cbc = Cipher.getInstance("AES/CBC/NoPadding", BC);
    cbc.init(Cipher.DECRYPT_MODE, result.getWrapper().getEncryptionKey(), new IvParameterSpec(ecb.doFinal(ones)));
    BigInteger factor = new BigInteger(1, Util.unpad(cbc.doFinal(result.getEncryptedChipAuthenticationData())));
    ECPoint made = EC5Util.convertCurve(curve.getCurve()).decodePoint(point).multiply(factor).normalize();
    ECPublicKey key = (ECPublicKey) ((PACEGMWithECDHMappingResult) result.getMappingResult()).getPICCMappingPublicKey();
    say("chip authentication mapping", made.equals(EC5Util.convertPoint(curve, key.getW())));
  }

  private static void say(String what, boolean passed) {
    System.out.println((passed ? "passed: " : "FAILED: ") + what);
  }
}
